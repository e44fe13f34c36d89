/* SPDX-License-Identifier: GPL-2.0-only */
/* Where to listen, as people write it. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 64 /* "[IPv6]:port" and its end */

/*
 * "127.0.0.1:10049", "[::1]:10049", "localhost:10049", ":10049" for every address. Names are not
 * looked up: who asks a name server has to wait for it. -EINVAL for what is no such address.
 */
int address_parse(const char *word, struct sockaddr_storage *ret, socklen_t *ret_len);

/* The reverse, always terminated. */
void address_format(const struct sockaddr_storage *addr, char *dst, size_t size);
