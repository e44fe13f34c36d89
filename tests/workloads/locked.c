// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that keeps the lock of its memory, as a page does that is read by another way than by
 * touching it, and whose file server never answers:
 *
 *     locked FILE
 *
 * maps the file, says "ready" and, at a line on its input, reads that page through /proc/self/mem,
 * which takes the lock for reading; then it asks for memory, which takes it for writing. From then
 * on whoever wants the lock waits behind that.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES 4096

static void *page;

static void *read_page(void *nothing)
{
	int memory = open("/proc/self/mem", O_RDONLY);
	char byte;

	if (pread(memory, &byte, 1, (off_t)(uintptr_t)page) >= 0)
		puts("it was answered");
	return nothing;
}

int main(int argc, char **argv)
{
	int file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	pthread_t reader;
	char line[16];

	page = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, file, 0);
	if (page == MAP_FAILED)
		return 1;
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	if (pthread_create(&reader, NULL, read_page, NULL) != 0)
		return 1;
	for (;;) {
		mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		usleep(10000);
	}
}
