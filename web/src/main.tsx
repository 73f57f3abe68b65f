import { render } from 'preact';
import { Chats } from './chats.js';
import { client, store } from './session.js';
import { SignIn } from './sign-in.js';

const root = document.getElementById('app') ?? document.body;

function draw(): void {
  render(client.session ? <Chats {...store.getSnapshot()} /> : <SignIn />, root);
}

// Focus and visibility decide whether messages are seen, and so marked as read.
store.subscribe(draw);
for (const type of ['hashchange', 'focus', 'visibilitychange']) addEventListener(type, draw);
draw();
