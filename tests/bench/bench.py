# SPDX-License-Identifier: Apache-2.0
"""What the workloads stand on: programs to run and measure, data, places for output, and the table of results.

A workload is a file in workloads/ with TITLE and `def workload(b)`, which returns a Workload: cases that are run
A B A B ..., and figures that compare them. A case returns what it measured as a dictionary; it raises Wrong when an
answer is not the one expected, and then no time counts.
"""
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

SEED = 7


class Wrong(Exception):
    """A program failed or its answer was not the expected one."""


@dataclass
class Case:
    name: str
    run: Callable[[], dict]  # measures once: {'s': seconds, ...}
    missing: str = ''  # a peer that is not there: what it needs
    note: str = ''


@dataclass
class Figure:
    """A number that BENCH.md names. `value` gets a function from (case, metric) to the values of all rounds."""
    text: str
    value: Callable[[Callable], list]
    limit: float = None
    at_least: bool = True
    unit: str = ''  # '%', 'x', 'ms', 'KiB'; '' is said by the text


@dataclass
class Workload:
    cases: list
    figures: list
    notes: list = field(default_factory=list)
    rounds: int = None  # other than asked for: of long cases
    close: Callable[[], None] = lambda: None


def ratio(over, metric_over, under, metric_under=None):
    """Of each round, so that what disturbs a round disturbs both sides."""
    def value(get):
        below = get(under, metric_under or metric_over)
        return [a / b for a, b in zip(get(over, metric_over), below)]
    return value


def metric(case, name, scale=1):
    return lambda get: [v * scale for v in get(case, name)]


class Bench:
    def __init__(self, programs, folder, large):
        self.programs = Path(programs)
        self.folder = Path(folder)
        self.large = large  # sizes that take long and need much disk
        self.data_dir = self.folder / 'data'
        self.work = self.folder / 'work'
        self.servers = []
        self.retired = 0
        shutil.rmtree(self.work, ignore_errors=True)
        for d in (self.data_dir, self.work):
            d.mkdir(parents=True, exist_ok=True)
        self.env = dict(os.environ, LEAT_DIR=str(self.work / 'log'), LC_ALL='C')

    # ---- programs ----

    def leat(self, tool, *args):
        """The command of a tool; the dispatcher is not in it, so that peers have no advantage from ours."""
        return [str(self.programs / f'leat-{tool}'), *map(str, args)]

    def helper(self, name, *args):
        return [str(self.programs / 'tests/bench' / name), *map(str, args)]

    def has_tool(self, tool):
        return (self.programs / f'leat-{tool}').exists()

    def has(self, program):
        return shutil.which(program) is not None

    def call(self, argv, **more):
        done = subprocess.run(argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        if done.returncode != 0:
            words = ' '.join(map(str, argv))
            raise Wrong(f"'{words}' exits {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def measure(self, *commands, stdin=None, stdout=None, runs=1):
        """Run a pipeline; {'s', 'rss_kib', 'user_s', 'sys_s', 'cpu_s', 'commands'}, a list of them if runs > 1."""
        argv = self.helper('measure', '-n', runs)
        if stdin:
            argv += ['-i', str(stdin)]
        if stdout:
            argv += ['-o', str(stdout)]
        for i, command in enumerate(commands):
            argv += (['|'] if i else []) + [str(word) for word in command]
        results = [json.loads(line) for line in self.call(argv).splitlines()]
        for r in results:
            for command, used in zip(commands, r['commands']):
                if used['exit'] != 0:
                    raise Wrong(f"'{' '.join(map(str, command))}' exits {used['exit']}")
            r.update(rss_kib=max(c['rss_kib'] for c in r['commands']), user_s=sum(c['user_s'] for c in r['commands']),
                     sys_s=sum(c['sys_s'] for c in r['commands']))
            r['cpu_s'] = r['user_s'] + r['sys_s']
        return results[0] if runs == 1 else results

    def settle(self, like=None):
        """Nothing of an earlier run is left to be written. With `like`, a file of its size is written and removed, too:
        on a virtual machine whoever takes a page first, or again after a large process gave it back, waits for the host
        (three times the time of a cat), and that must not depend on whose turn it is."""
        if like:
            shutil.copyfile(like, self.work / 'warm')
            (self.work / 'warm').unlink()
        os.sync()

    def expect(self, what, got, wanted):
        if got != wanted:
            raise Wrong(f'{what}: {got} instead of {wanted}')

    # ---- places ----

    def fresh(self, name):
        """A place where nothing is: what a case wrote before is gone."""
        path = self.work / name
        if path.is_dir():
            self.retire(path)
        elif path.exists():
            path.unlink()
        return path

    def retire(self, path):
        """Give the space of a folder back, but keep its files until the end: for a while after many were deleted, ext4
        is slow to make new ones, and the next case would pay for it."""
        for f in path.rglob('*'):
            if f.is_file():
                os.truncate(f, 0)
        self.retired += 1
        path.rename(self.work / f'retired-{self.retired}')

    def fresh_log(self):
        return self.fresh('log')

    def free_bytes(self):
        return shutil.disk_usage(self.folder).free

    # ---- data ----

    def clicks(self, count, form='json'):
        """A file of `count` clicks: 'json' lines, 'leat' blocks, 'envelope' lines. Made once for each generator."""
        path = self.data_dir / f'clicks-{count}-{SEED}.{form}'
        generator = self.programs / 'leat-gen'
        mark = hashlib.sha256(generator.read_bytes()).hexdigest()
        stamp = Path(f'{path}.generator')
        if path.exists() and stamp.exists() and stamp.read_text() == mark:
            return path
        print(f'making {path.name}', flush=True)
        out = {'json': ['-j'], 'leat': [], 'envelope': ['-J']}[form]
        with open(path, 'wb') as f:
            subprocess.run(self.leat('gen', 'clicks', '-c', count, '--seed', SEED, *out), stdout=f, check=True,
                           env=self.env)
        stamp.write_text(mark)
        os.sync()
        return path

    def topic(self, name, source, *options, directory='topics', sync='none'):
        """A topic that several cases read, made once a run. Returns the folder of its log."""
        log = self.work / directory
        if not (log / 'topics' / name).exists():
            self.call(self.leat('produce', '-d', log, '--sync', sync, *options, name, source))
        return log

    def count_blocks(self, *command):
        """What `pipe blocks` counts in the stream that the command writes."""
        out = self.work / 'count'
        self.measure(command, self.helper('pipe', 'blocks'), stdout=out)
        return json.loads(out.read_text())

    # ---- peers ----

    def redis(self, name, *settings):
        """A private redis-server on a Unix socket; ends with the bench."""
        folder = self.fresh(f'redis-{name}')
        folder.mkdir()
        path = folder / 's'
        if len(str(path)) > 100:
            raise Wrong(f"the path of the socket '{path}' is too long")
        log = open(folder / 'log', 'w')
        server = subprocess.Popen(['redis-server', '--port', '0', '--unixsocket', path, '--dir', folder, '--save', '',
                                   *settings], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.servers.append(server)
        for _ in range(200):
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(str(path))
                    return path
                except OSError:
                    time.sleep(0.02)
        raise Wrong('redis-server does not answer')

    def duckdb_missing(self):
        """What is missing to run DuckDB, which npm fetches into the bench's folder once; '' if nothing."""
        home = self.folder / 'npm'
        if not self.has('node'):
            return 'node'
        if not (home / 'node_modules/@duckdb/node-api').exists() and self.has('npm'):
            home.mkdir(exist_ok=True)
            subprocess.run(['npm', 'install', '--no-audit', '--no-fund', '--prefix', home, '@duckdb/node-api'],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return '' if (home / 'node_modules/@duckdb/node-api').exists() else 'npm: @duckdb/node-api'

    def duckdb(self, *statements, threads=1):
        """{'s'} of the last statement alone: neither node's start nor the opening of the database counts."""
        script = Path(__file__).resolve().parent / 'duckdb.mjs'
        return json.loads(self.call(['node', script, self.folder / 'npm/node_modules', str(threads), *statements]))

    def redis_call(self, path, *words):
        return self.call(['redis-cli', '-s', path, *words]).decode().strip()

    def close(self):
        for server in self.servers:
            server.send_signal(signal.SIGKILL)
            server.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    # ---- where it ran ----

    def machine(self):
        cpu = next((line.split(':')[1].strip() for line in Path('/proc/cpuinfo').read_text().splitlines()
                    if line.startswith('model name')), platform.machine())
        kind = subprocess.run(['findmnt', '-n', '-o', 'FSTYPE', '-T', self.folder], stdout=subprocess.PIPE, check=False)
        version = self.call([str(self.programs / 'leat'), '--version']).decode().splitlines()[0]
        return {'cpu': cpu, 'cpus': os.cpu_count(), 'kernel': platform.release(),
                'file_system': kind.stdout.decode().strip(), 'leat': version, 'load': os.getloadavg()[0]}


# ---- running ----

def run_workload(w, rounds):
    """One round that only verifies and warms, then those that count. {case: {metric: [values]}}"""
    results = {c.name: {} for c in w.cases if not c.missing}
    for n in range(rounds + 1):
        for case in w.cases:
            if case.missing:
                continue
            measured = case.run()
            if n == 0:
                continue
            for key, value in measured.items():
                if isinstance(value, (int, float)):
                    results[case.name].setdefault(key, []).append(value)
    return results


def evaluate(w, results):
    """The figures whose cases were all there; the others are said to be unknown. `of` are the cases and metrics that a
    figure looked at, leat's own first: ratio() has it below the line where more is better, and above it where less is."""
    out = []
    for f in w.figures:
        used = []

        def get(case, name, used=used):
            used.append([case, name])
            return results[case][name]

        value = reached = None
        try:
            value = statistics.median(f.value(get))
        except KeyError:
            pass
        if value is not None and f.limit is not None:
            reached = value >= f.limit if f.at_least else value <= f.limit
        out.append({'text': f.text, 'value': value, 'limit': f.limit, 'at_least': f.at_least, 'unit': f.unit,
                    'reached': reached, 'of': used if f.at_least else used[::-1]})
    return out


def as_json(w, title, results, figures):
    cases = {}
    for case in w.cases:
        if case.missing:
            cases[case.name] = {'missing': case.missing}
        else:
            cases[case.name] = {k: {'median': statistics.median(v), 'runs': v} for k, v in results[case.name].items()}
    return {'title': title, 'cases': cases, 'figures': figures, 'notes': w.notes}


# ---- the table ----

SHOWN = {'s': ('s', 1), 'cpu_s': ('s cpu', 1), 'p50_us': ('us p50', 1),
         'p99_us': ('us p99', 1), 'max_us': ('us max', 1), 'ms': ('ms', 1),
         'mb_s': ('MB/s', 1), 'rss_kib': ('KiB', 1), 'ns_record': ('ns/record', 1)}


def number(v):
    return f'{v:.0f}' if abs(v) >= 100 else f'{v:.2f}' if abs(v) >= 1 else f'{v:.4f}'


def change(now, before):
    if not before or now is None:
        return ''
    return f'{(now / before - 1) * 100:+.0f} %'


def figure_value(f, value):
    if value is None:
        return '?'
    return f'{value * 100:.0f} %' if f['unit'] == '%' else f"{number(value)} {f['unit']}".strip()


def print_table(name, result, before):
    print(f"\n{name}  {result['title']}")
    old_cases = (before or {}).get('cases', {})
    for case, metrics in result['cases'].items():
        if 'missing' in metrics:
            print(f"  {case:<42} not measured: {metrics['missing']}")
            continue
        parts = []
        for key, (unit, scale) in SHOWN.items():
            if key in metrics:
                m = metrics[key]['median'] * scale
                old = old_cases.get(case, {}).get(key, {}).get('median')
                c = change(m, old)
                parts.append(f'{number(m)} {unit}' + (f' ({c})' if c else ''))
        print(f"  {case:<42} {'   '.join(parts)}")
    old_figures = {f['text']: f['value'] for f in (before or {}).get('figures', [])}
    for f in result['figures']:
        limit = ''
        if f['limit'] is not None:
            word = {True: 'reached', False: 'NOT REACHED', None: 'unknown'}[f['reached']]
            limit = f"{'>=' if f['at_least'] else '<='} {figure_value(f, f['limit'])}: {word}"
        old = old_figures.get(f['text'])
        was = f', was {figure_value(f, old)}' if old is not None else ''
        print(f"    = {f['text']:<56} {figure_value(f, f['value']):>10}  {limit}{was}")
    for note in result['notes']:
        print(f'    ({note})')


def natural(name):
    return [int(t) if t.isdigit() else t for t in re.split(r'(\d+)', name)]
