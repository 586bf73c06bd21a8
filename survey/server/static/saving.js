// Sends every change to the server, one at a time and in order; tries again until it is acknowledged.

const QUIET_MS = 100;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const TOO_MANY = 429;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Saver {
  // `answer()` gives the answer as it is; `tell(state, message)` hears "saving", "saved", "trying" or "refused".
  constructor({ task, revision, formToken }, answer, tell) {
    Object.assign(this, { task, revision, formToken, answer, tell });
    this.made = 0; // changes so far
    this.kept = 0; // changes that the server has acknowledged
    this.refused = false;
    this.timer = null;
    this.last = Promise.resolve();
  }

  get unsaved() {
    return this.made > this.kept;
  }

  // Note a change; it is sent when there has been quiet for a moment.
  changed() {
    this.made += 1;
    this.tell("saving");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), QUIET_MS);
  }

  // Send what is unsaved, behind whatever is on its way.
  flush() {
    clearTimeout(this.timer);
    this.last = this.last.then(() => (this.unsaved && !this.refused ? this.#send("/save") : null));
    return this.last;
  }

  // Hand the task in; resolves to the next address, or null where that was refused.
  async submit() {
    clearTimeout(this.timer);
    await this.last;
    const reply = this.refused ? null : await this.#send("/submit");
    return reply?.next ?? null;
  }

  // The same words are sent until they are acknowledged: the server knows a change that it has already.
  async #send(path) {
    const change = this.made;
    const body = JSON.stringify({ task: this.task, revision: this.revision, answer: this.answer() });
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      const { reply, refusal } = await this.#attempt(path, body);
      if (reply) {
        this.revision = reply.revision;
        this.kept = change;
        this.tell(this.unsaved ? "saving" : "saved");
        return reply;
      }
      if (refusal) {
        this.refused = true;
        this.tell("refused", refusal);
        return null;
      }
      this.tell("trying");
      await pause(wait);
    }
  }

  async #attempt(path, body) {
    try {
      const headers = { "content-type": "application/json", "x-form-token": this.formToken };
      const response = await fetch(path, { method: "POST", headers, body, keepalive: true });
      if (response.ok) return { reply: await response.json() };
      const final = response.status >= 400 && response.status < 500 && response.status !== TOO_MANY;
      return final ? { refusal: (await response.json()).error } : {};
    } catch {
      return {}; // no connection
    }
  }
}
