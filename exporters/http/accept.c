// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "exporters/http/accept.h"

#define Q_FULL 1000 /* a quality of 1, in thousandths: three decimals are all that is allowed */

/* One element of the list: its name, its quality, its version parameter. */
struct element {
	char name[64];
	char version[16];
	int q;
};

static bool name_is(const struct element *e, const char *name)
{
	return strcasecmp(e->name, name) == 0;
}

/* The text up to one of the ends, without the blanks around it; cut to what fits. */
static const char *take_word(const char *s, const char *ends, char *dst, size_t size)
{
	const char *end = s + strcspn(s, ends);
	size_t len;

	while (s < end && isspace((unsigned char)*s))
		s++;
	len = (size_t)(end - s);
	while (len > 0 && isspace((unsigned char)s[len - 1]))
		len--;
	if (len >= size)
		len = size - 1;
	memcpy(dst, s, len);
	dst[len] = '\0';
	return end;
}

/* "0.5" is 500. What is no quality counts as none asked for. */
static int parse_q(const char *s)
{
	int q = 0, digit = Q_FULL;

	if (*s != '0' && *s != '1')
		return Q_FULL;
	for (; *s && digit > 0; s++) {
		if (*s == '.')
			continue;
		if (!isdigit((unsigned char)*s))
			return Q_FULL;
		q += (*s - '0') * digit;
		digit /= 10;
	}
	return q < Q_FULL ? q : Q_FULL;
}

static const char *parse_parameter(const char *s, struct element *e)
{
	char name[16], value[16];

	s = take_word(s, "=;,", name, sizeof(name));
	if (*s != '=')
		return s;
	s = take_word(s + 1, ";,", value, sizeof(value));
	if (strcasecmp(name, "q") == 0)
		e->q = parse_q(value);
	else if (strcasecmp(name, "version") == 0)
		strcpy(e->version, value);
	return s;
}

/* Returns where the next element begins, NULL at the end of the list. */
static const char *parse_element(const char *s, struct element *ret)
{
	if (!*s)
		return NULL;
	*ret = (struct element){ .q = Q_FULL };
	s = take_word(s, ";,", ret->name, sizeof(ret->name));
	while (*s == ';')
		s = parse_parameter(s + 1, ret);
	return *s == ',' ? s + 1 : s;
}

static bool version_is(const struct element *e, const char *version)
{
	return !*e->version || strcmp(e->version, version) == 0;
}

enum prometheus_format accept_format(const char *accept)
{
	int text = 0, open = 0;
	struct element e;

	while (accept && (accept = parse_element(accept, &e))) {
		if (name_is(&e, "application/openmetrics-text") && version_is(&e, "1.0.0"))
			open = e.q > open ? e.q : open;
		else if (name_is(&e, "text/plain") && version_is(&e, "0.0.4"))
			text = e.q > text ? e.q : text;
	}
	return open > 0 && open >= text ? PROMETHEUS_OPENMETRICS : PROMETHEUS_TEXT;
}

bool accept_gzip(const char *accept_encoding)
{
	int any = 0, gzip = -1;
	struct element e;

	while (accept_encoding && (accept_encoding = parse_element(accept_encoding, &e))) {
		if (name_is(&e, "gzip") || name_is(&e, "x-gzip"))
			gzip = e.q;
		else if (name_is(&e, "*"))
			any = e.q;
	}
	return gzip >= 0 ? gzip > 0 : any > 0;
}
