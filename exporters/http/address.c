// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "exporters/http/address.h"

/* Split at the last colon; the brackets around an IPv6 address go. */
static int split(const char *word, char *host, size_t size, const char **ret_port)
{
	const char *colon = strrchr(word, ':');
	size_t len = colon ? (size_t)(colon - word) : 0;

	if (!colon || len >= size)
		return -EINVAL;
	if (len >= 2 && word[0] == '[' && colon[-1] == ']') {
		word++;
		len -= 2;
		if (len == 0)
			return -EINVAL;
	} else if (memchr(word, ':', len)) {
		return -EINVAL; /* IPv6 needs its brackets: where would the port begin */
	}
	memcpy(host, word, len);
	host[len] = '\0';
	*ret_port = colon + 1;
	return 0;
}

static int check_port(const char *port)
{
	size_t digits = strspn(port, "0123456789");
	int value;

	if (digits == 0 || digits > 5 || port[digits])
		return -EINVAL;
	return sscanf(port, "%d", &value) == 1 && value <= 65535 ? 0 : -EINVAL;
}

int address_parse(const char *word, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	const char *port;
	char host[64];

	if (split(word, host, sizeof(host), &port) < 0 || check_port(port) < 0)
		return -EINVAL;
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	if (getaddrinfo(*host ? host : "::", port, &hints, &found) != 0)
		return -EINVAL;
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

void address_format(const struct sockaddr_storage *addr, char *dst, size_t size)
{
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;
	char host[INET6_ADDRSTRLEN] = "?";

	if (addr->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(dst, size, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(dst, size, "%s:%u", host, ntohs(v4->sin_port));
	}
}
