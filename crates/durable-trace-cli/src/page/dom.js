// Elements, made from text alone: nothing here or elsewhere on the page parses HTML.

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const byId = (id) => document.getElementById(id);

// Draws within an element, and gives the focus back to what stands for what had it.
function keepingFocus(container, draw) {
  const told = (element) => `${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent} ${element.getAttribute('href') ?? ''}`;
  const held = document.activeElement;
  const wanted = container.contains(held) && held !== container ? told(held) : null;
  draw();
  if (wanted === null || container.contains(document.activeElement)) return;
  [...container.querySelectorAll('button, a, summary, input, textarea')].find((element) => told(element) === wanted)?.focus({ preventScroll: true });
}

// Drawn on 16 × 16.
const SIGNS = {
  execution: 'M5 3.5v9l7-4.5z',
  invocation: 'M5 3h1.4l4.1 10H12M7.7 6.6 4.6 13',
  step: 'M4.5 4.5h7v7h-7z',
  wait: 'M8 2.6a5.4 5.4 0 1 0 .01 0M8 5.2V8l2 1.4',
  condition: 'M12.4 6.2A4.8 4.8 0 1 0 12.6 9M12.6 3v3.3H9.4',
  callback: 'M12.5 4v3a2.5 2.5 0 0 1-2.5 2.5H4M6.5 7 4 9.5 6.5 12',
  invoke: 'M5 11l6-6M6.4 5H11v4.6',
  context: 'M6.2 3H4.4v10h1.8M9.8 3h1.8v10H9.8',
  checkpoint: 'M5 3h6v10l-3-2.4L5 13z',
  asleep: 'M12 9.6A4.9 4.9 0 0 1 6.4 4 4.9 4.9 0 1 0 12 9.6z',
  span: 'M8 5.4a2.6 2.6 0 1 0 .01 0',
  good: 'M3.5 8.5 6.5 11.5 12.5 4.5',
  bad: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  open: 'M6 4.5 10.5 8 6 11.5',
  pending: 'M5.5 4v8M10.5 4v8',
  plain: 'M5 8h6',
  warning: 'M8 2.8 14 13H2zM8 6.5v3M8 11.2v.3',
  theme: 'M8 2.6a5.4 5.4 0 1 0 .01 0zM8 2.6v10.8a5.4 5.4 0 0 0 0-10.8z',
  link: 'M6 4H4v8h8v-2M9 3.5h3.5V7M12.5 3.5 7.5 8.5',
  search: 'M7 3a4 4 0 1 0 .01 0M10 10l3.2 3.2',
  twist: 'M6 4l4 4-4 4',
  panel: 'M3 3.5h10v9H3zM9.5 3.5v9',
  stop: 'M4.5 4.5h7v7h-7z',
};

function sign(name, className = '') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', `sign ${className}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SIGNS[name] ?? SIGNS.plain);
  svg.append(path);
  return svg;
}

// A link to elsewhere, or its text where the address is not one of the web.
function outward(url, text) {
  let address = null;
  try {
    address = new URL(url);
  } catch {
    return el('span', {}, text);
  }
  if (address.protocol !== 'https:' && address.protocol !== 'http:') return el('span', {}, text);
  return el('a', { href: address.href, rel: 'noopener noreferrer', target: '_blank' }, text, sign('link'));
}

// What is kept between visits where the browser lets it.
function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A page without storage works as well.
  }
}
