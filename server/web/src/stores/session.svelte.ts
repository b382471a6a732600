// Who is signed in. The token is renewed before it ends; a cookie that no longer counts leads back to the sign-in.
import { deleteV1Session, getV1Me, postV1Session, postV1SessionRefresh, type SignedIn } from '../api/client';
import { ApiError, useToken } from '../api/http';

const renewBeforeMs = 60_000;
const visitedPlace = 'reeve.visited'; // without it there is no cookie to ask for

class SessionStore {
  state = $state<'starting' | 'out' | 'in' | 'failed'>('starting');
  user = $state<SignedIn['user']>();
  org = $state('');
  permissions = $state<string[]>([]);
  serverVersion = $state('');
  problem = $state('');

  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewing: Promise<boolean> | undefined;

  constructor() {
    useToken('', () => this.renew());
  }

  may(permission: string): boolean {
    return this.permissions.includes(permission);
  }

  // With the cookie of an earlier visit, if there is one.
  async start(): Promise<void> {
    if (!localStorage.getItem(visitedPlace)) {
      this.state = 'out';
      return;
    }
    this.state = 'starting';
    try {
      await this.#take(await postV1SessionRefresh());
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) this.#leave();
      else this.#fail(error);
    }
  }

  // Throws what the server said, for the form to show.
  async signIn(email: string, password: string): Promise<void> {
    await this.#take(await postV1Session({ email, password }));
  }

  async signOut(): Promise<void> {
    await deleteV1Session().catch(() => undefined); // signed out here, whatever the server says
    this.#leave();
  }

  // One renewal for all requests that find the token refused at the same time.
  renew(): Promise<boolean> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renew(): Promise<boolean> {
    try {
      this.#accept(await postV1SessionRefresh());
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#leave();
      else this.#later(renewBeforeMs / 4);
      return false;
    }
  }

  async #take(session: SignedIn): Promise<void> {
    this.#accept(session);
    const me = await getV1Me();
    this.permissions = me.permissions;
    this.serverVersion = me.server_version;
    this.state = 'in';
  }

  #accept(session: SignedIn): void {
    useToken(session.token);
    localStorage.setItem(visitedPlace, '1');
    this.user = session.user;
    this.org = session.org;
    this.#later(Math.max(1000, Date.parse(session.expires) - Date.now() - renewBeforeMs));
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.renew(), ms);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    localStorage.removeItem(visitedPlace);
    useToken('');
    this.user = undefined;
    this.permissions = [];
    this.state = 'out';
  }

  #fail(error: unknown): void {
    this.problem = (error as Error).message;
    this.state = 'failed';
  }
}

export const session = new SessionStore();
