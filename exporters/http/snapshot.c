// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zlib.h>

#include "agent/base/cleanup.h"
#include "exporters/http/snapshot.h"

#define GZIP_LEVEL  1	      /* the text repeats itself so much that more effort saves little */
#define GZIP_HEADER (15 + 16) /* zlib: the largest window, and gzip's frame around it */

/* The mapping lives as long as anybody points into it: the snapshot and each plain response. */
struct mapping {
	void *data;
	size_t size;
	unsigned int users;
};

struct snapshot {
	struct mapping *mapping;
	struct {
		char *data;
		size_t len;
		struct MHD_Response *plain, *gzip;
	} bodies[HTTP_BODIES];
};

static const char *const types[HTTP_BODIES] = {
	[HTTP_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[HTTP_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
	[HTTP_PAGE] = "text/html; charset=utf-8",
};

static void mapping_unref(void *cls)
{
	struct mapping *m = cls;

	if (--m->users > 0)
		return;
	munmap(m->data, m->size);
	free(m);
}

static int mapping_new(int fd, size_t size, struct mapping **ret)
{
	_cleanup_free_ struct mapping *m = calloc(1, sizeof(*m));
	struct stat st;

	if (!m)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (size == 0 || (size_t)st.st_size < size)
		return -EINVAL;
	/* Private: until 6.7 a write-sealed file refuses a shared mapping, even one for reading. */
	m->data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m->data == MAP_FAILED)
		return -errno;
	m->size = size;
	m->users = 1;
	*ret = TAKE_PTR(m);
	return 0;
}

int snapshot_new(int fd, const struct http_snapshot *sizes, struct snapshot **ret)
{
	_cleanup_free_ struct snapshot *s = calloc(1, sizeof(*s));
	size_t total = 0;
	int r;

	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < HTTP_BODIES; i++)
		if (__builtin_add_overflow(total, sizes->len[i], &total))
			return -EINVAL;
	r = mapping_new(fd, total, &s->mapping);
	if (r < 0)
		return r;
	for (size_t i = 0, offset = 0; i < HTTP_BODIES; i++) {
		s->bodies[i].data = (char *)s->mapping->data + offset;
		s->bodies[i].len = sizes->len[i];
		offset += sizes->len[i];
	}
	*ret = TAKE_PTR(s);
	return 0;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < HTTP_BODIES; i++) {
		if (s->bodies[i].plain)
			MHD_destroy_response(s->bodies[i].plain);
		if (s->bodies[i].gzip)
			MHD_destroy_response(s->bodies[i].gzip);
	}
	mapping_unref(s->mapping);
	free(s);
}

static void add_headers(struct MHD_Response *response, enum http_body body)
{
	MHD_add_response_header(response, "Content-Type", types[body]);
	MHD_add_response_header(response, "Vary", "Accept, Accept-Encoding");
	MHD_add_response_header(response, "Cache-Control", "no-cache");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (body == HTTP_PAGE)
		MHD_add_response_header(response, "Content-Security-Policy",
					"default-src 'none'; style-src 'unsafe-inline'");
}

/* Returns the allocated result or NULL. */
static void *compress_gzip(char *data, size_t len, size_t *ret_len)
{
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)len };
	_cleanup_free_ Bytef *out = NULL;
	size_t size;
	int r;

	if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_HEADER, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	size = deflateBound(&z, len);
	out = malloc(size);
	z.next_out = out;
	z.avail_out = out ? (uInt)size : 0;
	r = deflate(&z, Z_FINISH);
	*ret_len = z.total_out;
	deflateEnd(&z);
	return r == Z_STREAM_END ? TAKE_PTR(out) : NULL;
}

static struct MHD_Response *new_plain(struct snapshot *s, enum http_body body)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback_cls(s->bodies[body].len,
								       s->bodies[body].data,
								       mapping_unref, s->mapping);

	if (response)
		s->mapping->users++;
	return response;
}

static struct MHD_Response *new_gzip(struct snapshot *s, enum http_body body)
{
	struct MHD_Response *response;
	_cleanup_free_ void *data = NULL;
	size_t len;

	data = compress_gzip(s->bodies[body].data, s->bodies[body].len, &len);
	if (!data)
		return NULL;
	response = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return NULL;
	(void)TAKE_PTR(data);
	MHD_add_response_header(response, "Content-Encoding", "gzip");
	return response;
}

struct MHD_Response *snapshot_response(struct snapshot *s, enum http_body body, bool gzip)
{
	struct MHD_Response **kept = gzip ? &s->bodies[body].gzip : &s->bodies[body].plain;

	if (!*kept) {
		*kept = gzip ? new_gzip(s, body) : new_plain(s, body);
		if (*kept)
			add_headers(*kept, body);
	}
	return *kept;
}
