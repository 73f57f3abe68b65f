import { render } from 'preact';
import { Chats } from './chats.js';
import { client, store } from './session.js';
import { SignIn } from './sign-in.js';

const root = document.getElementById('app') ?? document.body;

function draw(): void {
  render(client.session ? <Chats {...store.getSnapshot()} /> : <SignIn />, root);
}

// What is shown depends on the store, on the address, and on whether the user looks at the page.
store.subscribe(draw);
for (const type of ['hashchange', 'focus', 'visibilitychange']) addEventListener(type, draw);
draw();
