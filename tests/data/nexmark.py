#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The answers to NEXMark queries 3, 4, 5, 7 and 8 as examples/nexmark-q*.sh print them, straight from the definition.

usage: nexmark.py QUERY FILE...    events as JSON lines, in any order
"""
import collections
import datetime
import fractions
import json
import sys


DAY = 86400 * 1000


def text(ms):
    return datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(x):
    return int(x) if x.denominator == 1 else float(x)


def tumble(event):
    return event["ts"] // 10000 * 10000


def of(events, kind):
    return [e for e in events if e["event"] == kind]


def local_items(events):
    """By when both were there, as far as the times of different records say that."""
    persons = {p["id"]: p for p in of(events, "person") if p["state"] in ("or", "id", "ca")}
    found = [(a, persons[a["seller"]]) for a in of(events, "auction") if a["category"] == 10 and a["seller"] in persons]
    for a, p in sorted(found, key=lambda pair: (max(e["ts"] for e in pair), pair[0]["ts"], pair[0]["id"])):
        yield {name: p[name] for name in ("name", "city", "state")} | {"auction": a["id"]}


def average_price(events):
    best = collections.defaultdict(int)
    auctions = {a["id"]: a for a in of(events, "auction")}
    for b in of(events, "bid"):
        a = auctions.get(b["auction"])
        if a and a["date_time"] <= b["date_time"] <= a["expires"]:
            best[b["auction"]] = max(best[b["auction"]], b["price"])
    prices = collections.defaultdict(list)
    for auction, price in best.items():
        day = auctions[auction]["ts"] // DAY * DAY
        prices[day, auctions[auction]["category"]].append(price)
    for (day, category), final in sorted(prices.items(), key=lambda x: (x[0][0], str(x[0][1]))):
        yield {"window_start": text(day), "window_end": text(day + DAY), "category": category, "auctions": len(final),
               "average": number(fractions.Fraction(sum(final), len(final)))}


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
    queries = {"3": local_items, "4": average_price, "5": hot_items, "7": highest_bid, "8": new_sellers}
    for answer in queries[sys.argv[1]](events):
        print(json.dumps(answer, separators=(",", ":")))


main()
