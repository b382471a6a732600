// The agents, asked for again every few seconds while somebody looks.
import { getV1Agents, postV1AgentsByIdRevoke, type Agent } from '../api/client';
import { Loaded } from './loaded.svelte';

const everyMs = 5000;
const agentsMax = 10_000;

const rank = (agent: Agent) => ({ offline: 0, online: 1, revoked: 2 })[agent.state];

async function allAgents(signal: AbortSignal): Promise<Agent[]> {
  const agents: Agent[] = [];
  let cursor: string | undefined;
  do {
    const page = await getV1Agents({ cursor }, { signal });
    agents.push(...page.agents);
    cursor = page.next_cursor ?? undefined;
  } while (cursor && agents.length < agentsMax);
  return agents;
}

class FleetStore {
  list = new Loaded<{ agents: Agent[] }>();
  #timer: ReturnType<typeof setInterval> | undefined;

  // What needs a look comes first.
  get agents(): Agent[] {
    return [...(this.list.data?.agents ?? [])].sort((a, b) => rank(a) - rank(b) || a.host.localeCompare(b.host));
  }

  watch(): () => void {
    void this.load();
    this.#timer = setInterval(() => void this.load(), everyMs);
    return () => {
      clearInterval(this.#timer);
      this.list.stop();
    };
  }

  load(): Promise<boolean> {
    return this.list.load(async (signal) => ({ agents: await allAgents(signal) }));
  }

  async revoke(id: string): Promise<void> {
    await postV1AgentsByIdRevoke(id);
    await this.load();
  }
}

export const fleet = new FleetStore();
