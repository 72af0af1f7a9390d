// Sends what the forms of the page say, and shows the answer. The token lives in its field and nowhere else.
'use strict';

const token = document.getElementById('token');

for (const form of document.querySelectorAll('form[data-method]')) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(form);
  });
}

async function send(form) {
  const shown = form.querySelector('.answer');
  shown.hidden = false;
  shown.textContent = '…';
  try {
    const response = await fetch(...request(form));
    const text = await response.text();
    keepTokens(text);
    shown.textContent = show(response, text);
  } catch (error) {
    shown.textContent = String(error);
  }
}

function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = new Headers({ Accept: 'application/json' });
  let body;
  for (const field of form.querySelectorAll('[data-place]')) {
    const { place, name } = field.dataset;
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(field.value));
    else if (field.value === '') continue;
    else if (place === 'query') query.append(name, field.value);
    else if (place === 'header') headers.set(name, field.value);
    else body = field.value;
  }
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  if (token.value !== '') headers.set('Authorization', `Bearer ${token.value.trim()}`);
  const target = query.size === 0 ? path : `${path}?${query}`;
  return [target, { method: form.dataset.method, headers, body, credentials: 'omit', cache: 'no-store' }];
}

function show(response, text) {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`);
  return [`HTTP ${response.status} ${response.statusText}`, ...headers, '', indent(text)].join('\n');
}

function indent(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// Who logs in on this page goes on with what he got.
function keepTokens(text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    return;
  }
  if (typeof answer?.access_token === 'string') token.value = answer.access_token;
  if (typeof answer?.refresh_token === 'string') {
    for (const field of document.querySelectorAll('[data-name="X-Refresh-Token"]')) {
      field.value = answer.refresh_token;
    }
  }
}
