#!/usr/bin/env python3
"""An agent that was taken over, on the socket of a real runner: mutated warrants, noise, cut and huge frames.

Nothing may start, the runner may not end, and afterwards a genuine warrant is carried out as if nothing had been.
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner_by_hand import STATES, Host, Org, encode, program, put_effect  # noqa: E402
from test_runner_kill import lines, policy  # noqa: E402

MESSAGES = 2000


def mutated(rng, data):
    data = bytearray(data)
    kind = rng.randrange(5)
    at = rng.randrange(len(data))
    if kind == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        del data[at:at + rng.randint(1, 64)]
    elif kind == 3:
        data[at:at] = rng.randbytes(rng.randint(1, 64))
    else:
        data = bytearray(rng.randbytes(rng.randint(0, 4096)))
    return bytes(data)


def main():
    rng, org, wrong, cut_off = random.Random(7), Org(), [], 0
    with Host(org, 'version: 1\n') as host:
        effects = os.path.join(host.root, 'effects')
        os.mkdir(effects)
        effect = put_effect(host.root)
        host.write_policy(policy(effects, effect))
        host.start()
        path = os.path.join(effects, 'never')
        open(path, 'x').close()
        step = host.step(program(effect, 'add', path, '0'))
        right = encode('ToRunner', {'warrant': host.warrant(step)})
        for number in range(MESSAGES):
            try:
                if rng.random() < 0.03:  # a frame that is not what its length says, and one beyond the bound
                    host.peer.sendall(struct.pack('<I', rng.choice([10, 262_145, 0xffffffff])) + rng.randbytes(9))
                    host.peer.close()
                    host.connect()
                    continue
                message = mutated(rng, right)
                if message == right:
                    continue
                host.send_bytes(message)
                while host.receive()[0] == 'state':  # each message has an answer of its own
                    pass
            except (ConnectionError, OSError):
                cut_off += 1
                host.connect()
            if host.process.poll() is not None:
                wrong.append(f'message {number}: the runner ended: {host.log()[-500:]}')
                break
        if lines(path):
            wrong.append('something was started')
        good = os.path.join(effects, 'good')
        open(good, 'x').close()
        step = host.step(program(effect, 'add', good, '0'))
        host.send('warrant', host.warrant(step))
        result = host.result_of(step)
        if STATES[result['state']] != 'done' or lines(good) != 1 or lines(path) != 0:
            wrong.append(f'the genuine warrant: {result}')
    for each in wrong:
        print('WRONG:', each)
    print(f'{MESSAGES} messages, cut off {cut_off} times')
    print(f'{1 if not wrong else 0} passed, {len(wrong)} failed')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
