// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/mistake.h"

static const struct {
	const char *pattern, *text;
} mistakes[] = {
	{ "unbounded-channel", "a queue so large that it never holds anybody back: what is sent "
			       "faster than taken piles up in it" },
	{ "goroutine-per-request", "a goroutine for each piece of work, and nothing bounds how "
				   "many there are or how long they stay" },
	{ "unclosed-response-body", "the body of a response is neither read to its end nor closed, "
				    "so its connection is lost" },
	{ "unclosed-rows", "the rows of a query are neither read to their end nor closed, so its "
			   "connection is not given back" },
	{ "unclosed-client", "a client is made again and again, and never closed: one for all "
			     "requests keeps its connections in use" },
	{ "unstopped-ticker", "a ticker that nobody needs any more is not stopped" },
	{ "unbounded-map",
	  "what is put into it is not taken out again: it has neither a size nor an expiry" },
	{ "unbounded-buffer",
	  "what is appended to it is not taken out again: nothing bounds its length" },
	{ "unbounded-pool",
	  "a pool of connections without a limit opens one more for each request that finds none" },
	{ "timer-per-iteration",
	  "each turn makes a timer that stays until it fires: make one and reset it" },
	{ "timer-not-stopped", "a timer outlives what it was made for, since nobody stops it" },
	{ "allocation-churn", "so much is allocated only to be dropped that collecting it costs a "
			      "good part of the time" },
	{ "late-memory-limit", "the heap is as large as its memory limit or larger, since that was "
			       "set late or not at all" },
	{ "outgrown-memory-limit", "what lives is nearly as large as the memory limit, so that it "
				   "is collected without rest: raise the limit, or keep less" },
	{ "idle-in-transaction", "a transaction was begun, and neither committed nor rolled back, "
				 "before its connection was put aside" },
	{ "long-lived-capture",
	  "what sleeps for long keeps a large object alive that it does not need" },
	{ "context-not-cancelled", "a context whose cancel function is not called stays with its "
				   "parent, or until its deadline" },
	{ "blocked-goroutine", "a goroutine waits for what nobody will do any more" },
	{ "read-without-deadline",
	  "a connection is read without a timeout, so that a peer which is "
	  "slow, or gone without a word, holds it" },
};

const char *mistake_text(const char *pattern)
{
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++)
		if (strcmp(mistakes[i].pattern, pattern) == 0)
			return mistakes[i].text;
	return NULL;
}
