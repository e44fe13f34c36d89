// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/probe/iterator.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/netns.h"
#include "agent/probe/peers.h"
#include "bpf/netns.h"
#include "bpf/netns.skel.h"

#define WORTH_A_WALK 10	   /* TIME_WAIT takes one in this many ports */
#define WALK_SHARE   0.002 /* of a core that walking may take */
#define NOT_WALKED                                                                                 \
	"sockets without an owner are told apart only while TIME_WAIT takes a tenth of the ports"

struct netns_census {
	struct netns_bpf *skel; /* NULL: no walk */
	int own;		/* descriptor of the namespace to come back to */
};

struct walk {
	struct model_netns *n;
	struct peers peers;
	unsigned int low, high;
};

static size_t row_size(uint32_t type)
{
	return type == NETNS_ROW_SOCKET ? sizeof(struct netns_socket_row) : 0;
}

/* The slots of tcp stand in the order of the kernel's states, from 1. */
static enum seep_slot state_slot(uint8_t state)
{
	return state >= TCP_ESTABLISHED && state <= 12 ? SLOT_TCP + state : SLOT_TCP;
}

static void take_row(const void *data, void *context)
{
	const struct netns_socket_row *row = data;
	struct walk *w = context;
	struct model_peer peer = { .count = 1, .family = row->family, .port = row->remote_port };

	if (row->ownerless && row->state != TCP_TIME_WAIT)
		model_cell_add(w->n->cells, state_slot(row->state), 1);
	if (row->local_port < w->low || row->local_port > w->high || !row->remote_port)
		return;
	memcpy(peer.addr, row->remote_addr, sizeof(peer.addr));
	peers_count(&w->peers, &peer);
}

/* "3,7-9": how many ports of the range are reserved. */
static unsigned int count_reserved(char *list, unsigned int low, unsigned int high)
{
	unsigned int n = 0;

	for (char *save, *w = strtok_r(list, ",\n", &save); w; w = strtok_r(NULL, ",\n", &save)) {
		unsigned int from, to;
		int got = sscanf(w, "%u-%u", &from, &to);

		if (got < 1)
			continue;
		to = got == 2 ? to : from;
		for (unsigned int port = from < low ? low : from; port <= to && port <= high;
		     port++)
			n++;
	}
	return n;
}

/* Of the namespace that the thread is in. */
static uint64_t read_port_range(unsigned int *ret_low, unsigned int *ret_high)
{
	char line[64], reserved[4096] = "";

	if (text_read_line("/proc/sys/net/ipv4/ip_local_port_range", line, sizeof(line)) < 0 ||
	    sscanf(line, "%u %u", ret_low, ret_high) != 2)
		return 0;
	text_read_line("/proc/sys/net/ipv4/ip_local_reserved_ports", reserved, sizeof(reserved));
	return *ret_high - *ret_low + 1 - count_reserved(reserved, *ret_low, *ret_high);
}

static void take_busiest(struct walk *w)
{
	const struct model_peer *top = peers_largest(&w->peers);
	char addr[INET6_ADDRSTRLEN];

	*w->n->busiest = '\0';
	if (!top || !inet_ntop(top->family, top->addr, addr, sizeof(addr)))
		return;
	w->n->ports.used = top->count;
	snprintf(w->n->busiest, sizeof(w->n->busiest),
		 top->family == AF_INET6 ? "[%s]:%u" : "%s:%u", addr, top->port);
}

static int walk_here(struct netns_census *c, struct model_netns *n, unsigned int low,
		     unsigned int high)
{
	double begin = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
	static struct walk w;
	int r;

	w.n = n;
	w.low = low;
	w.high = high;
	peers_clear(&w.peers);
	r = iterator_run(c->skel->links.census_netns, row_size, take_row, &w);
	if (r == 0)
		take_busiest(&w);
	n->walked = clock_now();
	n->walk_cost = clock_seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
	return r;
}

/* sockstat's "TCP: inuse I orphan O tw T alloc A mem M"; T is of the namespace. */
static int read_time_wait(pid_t pid, int64_t *ret)
{
	char name[64], line[256];
	_cleanup_fclose_ FILE *f = NULL;
	long inuse, orphan, tw;

	snprintf(name, sizeof(name), "/proc/%d/net/sockstat", pid);
	f = fopen(name, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "TCP: inuse %ld orphan %ld tw %ld", &inuse, &orphan, &tw) == 3) {
			*ret = tw;
			return 0;
		}
	}
	return -ENOENT;
}

static void forget_ownerless(struct model_netns *n)
{
	for (enum seep_slot s = SLOT_TCP + 1; slot_info(s)->total == SLOT_TCP; s++)
		if (s != SLOT_TCP_TIME_WAIT)
			n->cells[s].live = LIVE_UNKNOWN;
	n->reason = NOT_WALKED;
}

static bool worth_a_walk(const struct netns_census *c, const struct model_netns *n,
			 int64_t time_wait, uint64_t ports)
{
	return c->skel && (uint64_t)time_wait * WORTH_A_WALK >= ports &&
	       clock_now() - n->walked >= n->walk_cost / WALK_SHARE;
}

/* What has to be read from inside: the range, and where it is worth it, every socket. What the last
 * walk said of the busiest destination stands until the next, or until TIME_WAIT is few again. */
static void look_inside(struct netns_census *c, struct model_netns *n, int64_t time_wait)
{
	unsigned int low = 0, high = 0;
	uint64_t ports = read_port_range(&low, &high);
	bool few = (uint64_t)time_wait * WORTH_A_WALK < ports;

	if (few)
		*n->busiest = '\0';
	if (ports && (few || !*n->busiest))
		n->ports = (struct bound){ BOUND_LOCAL_PORT_RANGE, ports, (uint64_t)time_wait };
	if (!worth_a_walk(c, n, time_wait, ports) || walk_here(c, n, low, high) < 0)
		forget_ownerless(n);
}

static void visit(struct netns_census *c, struct model *m, const struct model_process *p)
{
	_cleanup_close_ int there = -1;
	struct model_netns *n;
	int64_t time_wait = 0;
	char name[64];

	/* A process that ends now leaves its namespace to the next of its members. */
	if (read_time_wait(p->pid, &time_wait) < 0)
		return;
	snprintf(name, sizeof(name), "/proc/%d/ns/net", p->pid);
	there = open(name, O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(there, CLONE_NEWNET) < 0)
		return;
	n = model_netns(m, p->netns);
	if (n) {
		model_cell_add(n->cells, SLOT_TCP_TIME_WAIT, time_wait);
		look_inside(c, n, time_wait);
	}
	/* Not to come back would make every later census lie. */
	if (setns(c->own, CLONE_NEWNET) < 0)
		abort();
}

static bool visited(const struct model *m, uint32_t inode)
{
	for (const struct model_netns *n = m->netns; n; n = n->next)
		if (n->inode == inode)
			return n->seen == m->census;
	return false;
}

int netns_census_run(struct netns_census *c, struct model *m)
{
	model_for_each_process (m, p)
		if (p->seen == m->census && p->netns && !p->kernel_thread && !visited(m, p->netns))
			visit(c, m, p);
	return 0;
}

static int attach(struct netns_census *c)
{
	int r;

	c->skel = netns_bpf__open_opts(kernel_types());
	if (!c->skel)
		return -errno;
	r = netns_bpf__load(c->skel);
	if (r == 0)
		r = netns_bpf__attach(c->skel);
	if (r < 0) {
		netns_bpf__destroy(c->skel);
		c->skel = NULL;
	}
	return r;
}

int netns_census_new(struct model *m, struct netns_census **ret)
{
	struct netns_census *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (c->own < 0) {
		r = -errno;
		free(c);
		return r;
	}
	r = attach(c);
	model_set_rung(m, "netns", r < 0 ? "proc" : "iterator", r < 0 ? strerror(-r) : NULL);
	*ret = c;
	return 0;
}

void netns_census_free(struct netns_census *c)
{
	if (!c)
		return;
	netns_bpf__destroy(c->skel);
	safe_close(c->own);
	free(c);
}
