# SPDX-License-Identifier: Apache-2.0
"""leat replay on a pseudo-terminal: keys, stops and every way out. Reads c.leat in the current folder."""
import os
import pty
import select
import signal
import sys
import termios
import time


def start(*argv):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    return pid, fd


def read(fd, seconds=0.0, until=None):
    """What comes within so long, or until it has `until`."""
    out, end = b'', time.monotonic() + seconds
    while time.monotonic() < end and not (until and until in out):
        if select.select([fd], [], [], max(0.0, end - time.monotonic()))[0]:
            try:
                out += os.read(fd, 65536)
            except OSError:
                break
    return out


def cooked(fd):
    flags = termios.tcgetattr(fd)[3]
    assert bool(flags & termios.ICANON) == bool(flags & termios.ECHO)
    return bool(flags & termios.ICANON)


def check(what, ok, *more):
    if not ok:
        sys.exit(f'{what}: {more}')


def becomes(what, fd, wanted):
    for _ in range(100):
        if cooked(fd) == wanted:
            return
        time.sleep(0.05)
    sys.exit(f'{what}: the terminal is not {"as it was" if wanted else "taken"}')


REPLAY = ('leat', 'replay', '--rate', '20/s', 'c.leat', '-f', '%o\n')


def pause_and_speed():
    pid, fd = start(*REPLAY)
    seen = read(fd, 10, b'5\r\n')
    check('taken', not cooked(fd))
    os.write(fd, b' ')
    seen += read(fd, 0.5)
    check('paused', read(fd, 0.7) == b'')
    os.write(fd, b' ')
    after = read(fd, 10, b'\n')
    check('goes on where it was', int(after.split()[0]) == int(seen.split()[-1]) + 1, seen, after)
    os.write(fd, b'\033[A\033[C')  # 80 a second
    os.write(fd, b'\033OA')  # 160
    read(fd, 0.3)
    n = len(read(fd, 1).split())
    check('faster', 100 < n < 220, n)
    os.write(fd, b'\033[B\033[D\033[D\033[D')  # 10
    read(fd, 0.3)
    n = len(read(fd, 1).split())
    check('slower', 5 < n < 20, n)
    os.kill(pid, signal.SIGTERM)
    check('ended by the signal', os.waitpid(pid, 0)[1] == signal.SIGTERM)
    check('given back', cooked(fd))


def pause_at_full_speed():
    pid, fd = start('bash', '-c', 'exec leat replay -x max --loop 0 c.leat -j >>out.json')
    becomes('taken', fd, False)
    os.write(fd, b' ')
    time.sleep(0.5)
    size = os.path.getsize('out.json')
    time.sleep(0.5)
    check('paused', os.path.getsize('out.json') == size)
    os.write(fd, b' ')
    time.sleep(0.5)
    check('goes on', os.path.getsize('out.json') > size)
    os.kill(pid, signal.SIGINT)
    os.waitpid(pid, 0)
    os.remove('out.json')


def step():
    pid, fd = start('leat', 'replay', '--step', 'c.leat', '-f', '%o\n')
    becomes('step', fd, False)
    check('waits', read(fd, 0.5) == b'')
    os.write(fd, b'ab ')
    check('three', read(fd, 10, b'2\r\n') == b'0\r\n1\r\n2\r\n')
    os.write(fd, b'\033[A')
    check('an arrow is a key, too', read(fd, 10, b'\n') == b'3\r\n')
    os.write(fd, b'\x03')
    check('Control-C', os.waitpid(pid, 0)[1] == signal.SIGINT)
    check('given back', cooked(fd))
    begun = time.monotonic()
    pid, fd = start('leat', 'replay', '--step', '--duration', '500ms', 'c.leat', '-f', '%o\n')
    read(fd, 10)
    check('--duration ends it', time.monotonic() - begun < 9)
    check('as it should', os.waitpid(pid, 0)[1] == 0)


def every_way_out():
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGABRT):
        pid, fd = start(*REPLAY)
        becomes('taken', fd, False)
        os.kill(pid, number)
        check(f'ended by {number}', os.waitpid(pid, 0)[1] & 0x7f == number)
        check(f'given back after {number}', cooked(fd))
    pid, fd = start('leat', 'replay', '--rate', '20', '--limit', '3', 'c.leat', '-j')
    read(fd, 10, b'\n')
    os.waitpid(pid, 0)
    check('given back at the end', cooked(fd))


def stopped():
    """Control-Z under a shell: the shell has its terminal back, and the time until `fg` does not count."""
    pid, fd = start('bash', '--norc', '--noediting', '-i')
    read(fd, 2, b'$ ')
    os.write(fd, b"leat replay --rate 20/s --limit 30 --stats=10s c.leat -f '%o\\n' >out\n")
    becomes('taken', fd, False)
    read(fd, 0.5)
    os.write(fd, b'\x1a')
    check('stopped', b'Stopped' in read(fd, 10, b'Stopped'))
    becomes('stopped', fd, True)
    time.sleep(1)
    os.write(fd, b'fg\n')
    becomes('continued', fd, False)
    out = read(fd, 10, b'records (')
    check('its end', b'30 records' in out, out)
    check('no lag', b'late' not in out, out)
    os.write(fd, b'exit\n')
    os.waitpid(pid, 0)


def hung_up():
    """Under nohup the terminal can go away: what is paced goes on, what waits for a key ends."""
    for words, code in ((('--step',), 4), (('--rate', '20', '--limit', '30'), 0)):
        command = f"trap '' HUP; leat replay {' '.join(words)} c.leat -j --output gone.json; echo $? >code.new; mv code.new code"
        pid, fd = start('bash', '-c', command)
        becomes('taken', fd, False)
        os.close(fd)
        for _ in range(200):
            if os.path.exists('code'):
                break
            time.sleep(0.05)
        with open('code') as f:
            check('hung up', int(f.read()) == code, words)
        os.remove('code')
        os.waitpid(pid, 0)


if __name__ == '__main__':
    pause_and_speed()
    pause_at_full_speed()
    step()
    every_way_out()
    stopped()
    hung_up()
