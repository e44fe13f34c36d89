// SPDX-License-Identifier: GPL-2.0-only
#include <curses.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/base/message.h"
#include "agent/top/cell.h"
#include "agent/top/draw.h"
#include "agent/top/screen.h"
#include "agent/top/status.h"
#include "agent/top/view.h"

#define ESCAPE_MS 25 /* after which an escape is the key and not the beginning of one */

struct screen {
	SCREEN *terminal;
	struct draw draw;
	struct view *view;
	struct watch *watch;
	uint64_t next; /* look, monotonic_ns */
};

bool screen_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* One key or character of the terminal. False when there is none, or when it means to quit. */
static bool take_key(struct view *v, bool *ret_update, bool *ret_quit)
{
	char utf8[MB_LEN_MAX + 1] = "";
	wint_t key;
	int kind = get_wch(&key);
	mbstate_t state = { 0 };
	size_t n;

	if (kind == ERR)
		return false;
	if (kind == OK) {
		n = wcrtomb(utf8, (wchar_t)key, &state);
		utf8[n == (size_t)-1 ? 0 : n] = '\0';
		if (view_type(v, utf8)) {
			*ret_update = true;
			return true;
		}
	}
	*ret_quit = !view_key(v, (int)key, ret_update);
	return !*ret_quit;
}

/* All keys that have arrived, then one drawing. 1 to go on, 0 to quit, or negative errno. */
static int take_keys(struct screen *s)
{
	bool update = false, quit = false, any = false;
	int r = 0;

	while (take_key(s->view, &update, &quit))
		any = true;
	if (quit)
		return 0;
	if (update)
		r = view_update(s->view, watch_model(s->watch));
	if (r < 0)
		return r;
	if (any)
		draw_view(&s->draw, s->view, s->watch);
	return 1;
}

static int take_look(struct screen *s, const struct screen_options *o)
{
	uint64_t now = monotonic_ns(), delay = (uint64_t)(o->delay * NS_PER_S);
	int r = watch_look(s->watch);

	s->next = s->next + delay > now ? s->next + delay : now + delay;
	if (r < 0)
		return r;
	if (o->rows.pid && !model_find(watch_model(s->watch), o->rows.pid))
		return -ESRCH;
	r = view_update(s->view, watch_model(s->watch));
	if (r < 0)
		return r;
	draw_view(&s->draw, s->view, s->watch);
	return 1;
}

/* Signals come only here, so that none is lost between the test of *stop and the wait. */
static int wait_for_keys(const struct screen *s, const sigset_t *signals)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now = monotonic_ns(), left = s->next > now ? s->next - now : 0;
	struct timespec span = { (time_t)(left / NS_PER_S), (long)(left % NS_PER_S) };

	if (ppoll(&fd, 1, s->view->paused ? NULL : &span, signals) < 0)
		return errno == EINTR ? 0 : -errno;
	/* The terminal is gone. */
	return fd.revents & (POLLHUP | POLLERR | POLLNVAL) ? -EPIPE : 0;
}

static int run(struct screen *s, const struct screen_options *o, const volatile int *stop,
	       const sigset_t *signals)
{
	int looks = 1, r = view_update(s->view, watch_model(s->watch));

	if (r < 0)
		return r;
	draw_view(&s->draw, s->view, s->watch);
	s->next = monotonic_ns() + (uint64_t)(o->delay * NS_PER_S);
	while (!*stop && (!o->iterations || looks < o->iterations)) {
		r = wait_for_keys(s, signals);
		if (r == 0)
			r = take_keys(s);
		if (r > 0 && !s->view->paused && monotonic_ns() >= s->next) {
			r = take_look(s, o);
			looks++;
		}
		if (r <= 0)
			return r == -EPIPE ? 0 : r;
	}
	return 0;
}

static int start_terminal(struct screen *s)
{
	bool utf8 = cell_setup();

	s->terminal = newterm(NULL, stdout, stdin);
	if (!s->terminal)
		return -ENOTTY;
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, true);
	nodelay(stdscr, true);
	draw_setup(&s->draw, utf8);
	return 0;
}

static void stop_terminal(struct screen *s)
{
	if (!s->terminal)
		return;
	endwin();
	delscreen(s->terminal);
}

static void block_signals(sigset_t *ret_before)
{
	static const int handled[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(handled); i++)
		sigaddset(&set, handled[i]);
	sigprocmask(SIG_BLOCK, &set, ret_before);
}

int screen_run(struct watch *w, const struct screen_options *o, const volatile int *stop)
{
	struct screen s = { .watch = w };
	char last[STATUS_MAX] = "";
	sigset_t before;
	int r = view_new(&o->rows, &s.view);

	if (r < 0)
		return r;
	block_signals(&before);
	r = start_terminal(&s);
	if (r == 0)
		r = run(&s, o, stop, &before);
	if (r == 0)
		status_headline(w, &s.view->rows, last, sizeof(last));
	stop_terminal(&s);
	if (*last)
		printf("%s\n", last);
	sigprocmask(SIG_SETMASK, &before, NULL);
	view_free(s.view);
	return r;
}
