#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The answers to NEXMark queries 5, 7 and 8 as examples/nexmark-q*.sh print them, straight from the definition.

usage: nexmark.py QUERY FILE...    events as JSON lines, in any order
"""
import collections
import datetime
import json
import sys


def text(ms):
    return datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def tumble(event):
    return event["ts"] // 10000 * 10000


def hot_items(events):
    windows = collections.defaultdict(collections.Counter)
    for e in events:
        if e["event"] == "bid":
            first = e["ts"] // 2000 * 2000 + 2000
            for end in range(first, first + 10000, 2000):
                windows[end][e["auction"]] += 1
    for end, counts in sorted(windows.items()):
        most = max(counts.values())
        for auction in sorted(a for a, n in counts.items() if n == most):
            yield {"at": text(end), "auction": auction, "num": most}


def highest_bid(events):
    windows = collections.defaultdict(list)
    for e in events:
        if e["event"] == "bid":
            windows[tumble(e)].append(e)
    for start, bids in sorted(windows.items()):
        most = max(b["price"] for b in bids)
        best = [b for b in bids if b["price"] == most]
        for b in sorted(best, key=lambda b: (b["ts"], b["auction"], b["bidder"])):
            yield {"at": text(start + 10000)} | {name: b[name] for name in ("auction", "bidder", "price", "ts")}


def new_sellers(events):
    persons = {(tumble(e), e["id"]): e["name"] for e in events if e["event"] == "person"}
    auctions = collections.Counter((tumble(e), e["seller"]) for e in events if e["event"] == "auction")
    both = persons.keys() & auctions.keys()
    for start, who in sorted(both, key=lambda k: (k[0], str(k[1]))):
        yield {"window_start": text(start), "window_end": text(start + 10000), "id": who,
               "name": persons[start, who], "auctions": auctions[start, who]}


def main():
    events = []
    for name in sys.argv[2:]:
        with open(name, encoding="utf-8") as lines:
            events += [json.loads(line) for line in lines]
    for answer in {"5": hot_items, "7": highest_bid, "8": new_sellers}[sys.argv[1]](events):
        print(json.dumps(answer, separators=(",", ":")))


main()
