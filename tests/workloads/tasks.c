// SPDX-License-Identifier: GPL-2.0-only
/* Leaks threads, child processes and zombies. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/workloads/books.h"

struct worker {
	pthread_t thread;
	pthread_mutex_t run; /* held while the worker is to stay */
	pid_t tid;
	pthread_barrier_t born;
};

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	worker->tid = gettid();
	pthread_barrier_wait(&worker->born);
	pthread_mutex_lock(&worker->run);
	return NULL;
}

static noinline int start_session_thread(struct item *ret)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	pthread_mutex_init(&worker->run, NULL);
	pthread_mutex_lock(&worker->run);
	pthread_barrier_init(&worker->born, NULL, 2);
	if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
		return -EAGAIN;
	pthread_barrier_wait(&worker->born);
	ret->a = (intptr_t)worker;
	book("thread", 1);
	return 0;
}

static void give_thread(const struct item *item)
{
	struct worker *worker = (struct worker *)item->a;

	pthread_mutex_unlock(&worker->run);
	pthread_join(worker->thread, NULL);
	task_wait_gone(worker->tid);
	free(worker);
	book("thread", -1);
}

static noinline int spawn_helper(struct item *ret)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	ret->a = pid;
	book("process/child", 1);
	return 0;
}

static void give_child(const struct item *item)
{
	must(kill(item->a, SIGKILL), "kill");
	must(waitpid(item->a, NULL, 0), "waitpid");
	book("process/child", -1);
}

static noinline int run_hook(struct item *ret)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(0);
	must(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), "waitid");
	ret->a = pid;
	book("process/zombie", 1);
	return 0;
}

static void give_zombie(const struct item *item)
{
	must(waitpid(item->a, NULL, 0), "waitpid");
	book("process/zombie", -1);
}

static const struct leak leaks[] = {
	{ "thread", "start_session_thread", start_session_thread, give_thread, NULL, 60, 10 },
	{ "child", "spawn_helper", spawn_helper, give_child, NULL, 40, 6 },
	{ "zombie", "run_hook", run_hook, give_zombie, NULL, 60, 10 },
	{ 0 },
};

int main(int argc, char **argv)
{
	return leak_main(argc, argv, leaks);
}
