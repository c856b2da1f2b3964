//! One function, invoked so often: what a profiler is put on. `profile untraced|traced OPERATIONS TIMES`.

use bytes::Bytes;
use durable_trace_bench::event::event;
use durable_trace_bench::function::Function;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, operations, times] = arguments.as_slice() else {
        eprintln!("usage: profile untraced|traced OPERATIONS TIMES");
        std::process::exit(2);
    };
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let (operations, times) = (number(operations), number(times));
    let function = match mode.as_str() {
        "traced" => Function::traced(operations),
        _ => Function::untraced(operations),
    };
    let event = Bytes::from(event(operations));
    for _ in 0..times {
        function.invoke(&event);
    }
}
