// SPDX-License-Identifier: GPL-2.0-only
/* Processes that are hard to count: storms, a reused number, a dead leader, shared memory, ports.
 */
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "tests/workloads/peer.h"
#include "tests/workloads/scenario.h"

#define STORM_WIDTH 4  /* children at a time */
#define STORM_FDS   50 /* that each of them opens */

static bool line_waits(void)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };

	return poll(&in, 1, 0) != 0;
}

static void storm_fork(void)
{
	if (must(fork(), "fork") == 0) {
		for (int i = 0; i < STORM_FDS; i++)
			eventfd(0, 0);
		_exit(0);
	}
}

static void storm_vfork(void)
{
	pid_t pid = vfork();

	if (must(pid, "vfork") == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
}

/* A process that becomes another program twenty times. */
static void storm_exec(void)
{
	if (must(fork(), "fork") == 0) {
		execl("/proc/self/exe", "hard_tasks", "hop", "20", NULL);
		_exit(1);
	}
}

static int hop(int more)
{
	char word[16];

	if (more == 0)
		return 0;
	snprintf(word, sizeof(word), "%d", more - 1);
	must(execl("/proc/self/exe", "hard_tasks", "hop", word, NULL), "execl");
	return 1;
}

/* The storm blows from the first barrier until a line comes; the books stay what they were. */
static int play_storm(void (*blow)(void))
{
	int width = 0;

	books_open();
	open_eventfds(30);
	books_print(0, scenario_name);
	while (!line_waits()) {
		blow();
		if (++width == STORM_WIDTH) {
			must(wait(NULL), "wait");
			width--;
		}
	}
	while (width--)
		must(wait(NULL), "wait");
	if (!barrier_wait())
		return 0;
	scenario_barrier = 1;
	stop_here();
	return 0;
}

static int play_fork_storm(void)
{
	return play_storm(storm_fork);
}

static int play_vfork_storm(void)
{
	return play_storm(storm_vfork);
}

static int play_exec_storm(void)
{
	return play_storm(storm_exec);
}

/* A child that holds n eventfds and prints so; wanted is its number, or 0. */
static pid_t start_holder(pid_t wanted, int n)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = wanted ? (uintptr_t)&wanted : 0,
		.set_tid_size = wanted != 0,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	open_eventfds(n);
	books_print(scenario_barrier, scenario_name);
	return 0;
}

/* The second child has the number of the first, is another program, and has nothing else of it. */
static int play_pid_reuse(void)
{
	pid_t first;

	books_open();
	first = must(start_holder(0, 50), "clone3");
	if (first == 0)
		for (;;)
			pause();
	if (!barrier_wait())
		return 0;
	must(kill(first, SIGKILL), "kill");
	must(waitpid(first, NULL, 0), "waitpid");
	scenario_barrier = 1;
	if (must(start_holder(first, 5), "clone3 with set_tid") == 0)
		must(execlp("sleep", "sleep", "100", NULL), "sleep");
	barrier_wait();
	return 0;
}

static void *follower_main(void *arg)
{
	if (!arg)
		for (;;)
			pause();
	pthread_join(*(pthread_t *)arg, NULL);
	stop_here();
	exit(0);
}

/* The leader is a zombie, its table lives on in the threads: /proc/PID/fd is empty then. */
static int play_dead_leader(void)
{
	static pthread_t leader;
	pthread_t thread;

	books_open();
	open_eventfds(20);
	leader = pthread_self();
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, follower_main, i ? NULL : &leader) != 0)
			die("pthread_create");
	book("thread", 3);
	stop_here();
	pthread_exit(NULL);
}

static int sleeper_main(void *arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
	return 0;
}

/* Two processes in the memory of a third, one of them in its table too. */
static int play_clone_vm(void)
{
	static char stacks[2][65536];

	books_open();
	open_eventfds(20);
	must(clone(sleeper_main, stacks[0] + sizeof(stacks[0]), CLONE_VM | SIGCHLD, NULL), "clone");
	must(clone(sleeper_main, stacks[1] + sizeof(stacks[1]), CLONE_VM | CLONE_FILES | SIGCHLD,
		   NULL),
	     "clone");
	book("process/child", 2);
	stop_here();
	return 0;
}

#define PORTS	  100
#define TIME_WAIT 80

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");

	must(ioctl(fd, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
	close(fd);
}

static void narrow_ports(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");

	if (!file || fprintf(file, "40000 %d\n", 40000 + PORTS - 1) < 0 || fclose(file))
		die("ip_local_port_range");
}

/* In a network namespace of its own: connections that nobody holds any more keep their ports. */
static int play_time_wait(void)
{
	struct sockaddr_in addr = loopback(30000);
	int listener, one = 1;

	books_open();
	must(unshare(CLONE_NEWNET), "unshare");
	loopback_up();
	narrow_ports();
	listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), "bind");
	must(listen(listener, 16), "listen");
	for (int i = 0; i < TIME_WAIT; i++) {
		int client = connect_loopback(30000),
		    server = must(accept(listener, NULL, NULL), "");
		char byte;

		close(client);
		must(read(server, &byte, 1), "read"); /* its FIN has come, so ours ends the rest */
		close(server);
	}
	book("fd/socket", 1);
	book("tcp/LISTEN", 1);
	stop_here();
	return 0;
}

static const struct scenario scenarios[] = {
	{ "fork_storm", play_fork_storm },   { "vfork_storm", play_vfork_storm },
	{ "exec_storm", play_exec_storm },   { "pid_reuse", play_pid_reuse },
	{ "dead_leader", play_dead_leader }, { "clone_vm", play_clone_vm },
	{ "time_wait", play_time_wait },     { 0 },
};

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "hop"))
		return hop(atoi(argv[2]));
	return scenario_main(argc, argv, scenarios);
}
