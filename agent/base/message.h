/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages between seep's processes: whole datagrams over a SOCK_SEQPACKET pair, each with at most
 * one descriptor. The receiver trusts neither the length nor the descriptor.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define MESSAGE_MAX (128 * 1024) /* bytes, below the default send buffer of a unix socket */

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t monotonic_ns(void);

/* A connected pair, closed on exec. */
int message_pair(int ret_fds[2]);

/*
 * Send the parts as one message; pass is a descriptor to hand over (the caller keeps its own) or
 * -1. Waits at most until the deadline (monotonic_ns; 0 waits for ever). -EPIPE when the peer is
 * gone, -ETIMEDOUT.
 */
int message_send(int fd, const struct iovec *parts, size_t n, int pass, uint64_t deadline);

/*
 * Receive one message into dst; returns its length. *ret_pass, if asked for, is the descriptor that
 * came with it or -1; the caller closes it. -EPIPE when the peer is gone, -ETIMEDOUT, -EMSGSIZE
 * when it was longer than size.
 */
ssize_t message_receive(int fd, void *dst, size_t size, uint64_t deadline, int *ret_pass);
