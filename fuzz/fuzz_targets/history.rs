#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| durable_trace_fuzz::run("history", input));
