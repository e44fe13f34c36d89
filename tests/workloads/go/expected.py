# SPDX-License-Identifier: GPL-2.0-only
"""What seep has to say of each service of the shop, written from what the service does.

A row is found when one site of explain bears the pattern, names one of the functions and is of one
of the resources. The repaired twin of each must raise nothing at all.
"""

import collections

# number: of the list of fifteen that seep began with; None: a mistake beside them.
# functions: the one that makes the mistake; more than one where either tells the reader where to look.
# timers: the semantics under which it is a mistake at all. Under the other its silence is right.
Row = collections.namedtuple("Row", "number service mistake pattern resources functions timers")
BOTH, OLD = ("old", "new"), ("old",)

ROWS = [
    Row(1, "dispatch", "queue of huge capacity", "unbounded-channel", ("channel",),
        ("dispatch.NewDispatcher", "dispatch.(*Dispatcher).Submit"), BOTH),
    Row(2, "events", "goroutine for each request", "goroutine-per-request", ("goroutine",),
        ("events.(*API).CreateOrder",), BOTH),
    Row(3, "rates", "response body never closed", "unclosed-response-body", ("goroutine", "tcp", "fd"),
        ("rates.(*Client).Refresh",), BOTH),
    Row(4, "sessions", "ticker never stopped", "unstopped-ticker", ("gotimer",),
        ("sessions.(*Hub).Wait",), OLD),
    Row(5, "quotes", "cache without expiry", "unbounded-map", ("goheap",),
        ("quotes.(*Cache).Lookup",), BOTH),
    Row(6, "accounts", "database pool without limit", "unbounded-pool", ("pool",),
        ("accounts.Open", "accounts.(*Accounts).Balance"), BOTH),
    Row(7, "limits", "semaphore for each tenant", "unbounded-map", ("goheap",),
        ("limits.(*Limiter).Acquire",), BOTH),
    Row(8, "feed", "time.After in a busy loop", "timer-per-iteration", ("gotimer",),
        ("feed.(*Consumer).Run",), OLD),
    Row(9, "render", "allocation in a hot loop", "allocation-churn", ("gc", "goheap"),
        ("render.(*Report).Table",), BOTH),
    Row(10, "settings", "memory limit set late", "late-memory-limit", ("gc", "goheap", "memory"),
        ("settings.(*Watcher).Apply",), BOTH),
    Row(11, "routes", "map copied at each write", "allocation-churn", ("gc", "goheap"),
        ("routes.(*Table).Set",), BOTH),
    Row(12, "ledger", "transaction left open", "idle-in-transaction", ("transaction",),
        ("ledger.(*Book).Settle", "ledger.(*Book).withdraw"), BOTH),
    Row(13, "pages", "goroutine for each cache write", "goroutine-per-request", ("goroutine",),
        ("pages.(*Cache).Put",), BOTH),
    Row(14, "followup", "closure that keeps a large object", "long-lived-capture",
        ("goheap", "goroutine"), ("followup.(*Desk).Place",), BOTH),
    Row(15, "calls", "timer of a timeout not stopped", "timer-not-stopped", ("gotimer",),
        ("calls.(*Caller).Do",), OLD),
    Row(None, "search", "context never cancelled", "context-not-cancelled", ("gotimer",),
        ("search.(*Index).Query",), BOTH),
    Row(None, "auctions", "goroutine blocked for good", "blocked-goroutine", ("goroutine",),
        ("auctions.(*House).Sell",), BOTH),
]

# What seep claims to find today, by service, held by the tests; the rest is told in README's table
# as it is. Whoever makes seep find a row adds it here.
CLAIMED = {
    "accounts",
    "auctions",
    "calls",
    "dispatch",
    "events",
    "feed",
    "followup",
    "ledger",
    "limits",
    "pages",
    "quotes",
    "rates",
    "render",
    "routes",
    "search",
    "sessions",
    "settings",
}


def is_mistake(row, timers):
    return timers in row.timers
