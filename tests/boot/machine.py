"""A real Debian 12, booted under systemd-nspawn from a folder of this clone; what its tests share. Needs root.

The debootstrap root is kept below build/boot/base for the next run; each test boots a copy of its own.
"""
import os
import shutil
import subprocess
import time

CLONE = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
BASE = os.path.join(CLONE, 'build', 'boot', 'base')


def run(*argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f'{" ".join(argv)}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}')
    return done.stdout


def wait_until(what, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f'{what}: not within {seconds} s; last seen: {seen!r}')
        time.sleep(0.2)


def copy_base(root):
    if not os.path.exists(os.path.join(BASE, 'sbin', 'init')):
        shutil.rmtree(BASE, ignore_errors=True)
        os.makedirs(os.path.dirname(BASE), exist_ok=True)
        run('debootstrap', '--variant=minbase', '--include=systemd,systemd-sysv,dbus,ca-certificates', 'bookworm', BASE)
    shutil.rmtree(root, ignore_errors=True)
    run('cp', '-a', BASE, root)


class Machine:
    """The booted root. Commands enter it by the namespaces of its init. `network` is an option of systemd-nspawn."""

    def __init__(self, root, network):
        self.nspawn = subprocess.Popen(
            ['systemd-nspawn', '--quiet', '-D', root, '--boot', '--register=no', '--keep-unit', network,
             '--console=pipe'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.init = wait_until('an init', self.find_init)
        wait_until('the end of booting', lambda: self.shell('systemctl is-system-running --wait || true').strip() in
                   ('running', 'degraded'))

    def find_init(self):
        children = subprocess.run(['pgrep', '-P', str(self.nspawn.pid)], capture_output=True, text=True).stdout.split()
        return children[0] if children else None

    def shell(self, script, check=True):
        done = subprocess.run(['nsenter', '-t', self.init, '-a', '/bin/sh', '-c', script], capture_output=True, text=True)
        if check and done.returncode != 0:
            raise AssertionError(f'{script}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}')
        return done.stdout

    def off(self):
        self.shell('systemctl poweroff', check=False)
        try:
            self.nspawn.wait(60)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()
