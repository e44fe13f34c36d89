// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "exporters/http/accept.h"
#include "exporters/http/reply.h"

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

bool reply_has_body(struct MHD_Connection *connection)
{
	const char *length = header(connection, "Content-Length");

	return (length && strcmp(length, "0") != 0) || header(connection, "Transfer-Encoding");
}

/* A constant line of text. */
static enum MHD_Result reply_line(struct MHD_Connection *connection, unsigned int status,
				  const char *line)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(line), (void *)line, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	if (reply_has_body(connection))
		MHD_add_response_header(response, "Connection", "close");
	r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result reply_body(const struct site *site, struct MHD_Connection *connection,
				  enum http_body body)
{
	bool gzip = accept_gzip(header(connection, "Accept-Encoding"));
	struct MHD_Response *response;

	if (!site->snapshot)
		return reply_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				  "The first census is not done.\n");
	response = snapshot_response(site->snapshot, body, gzip);
	if (!response)
		return MHD_NO;
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static enum MHD_Result reply_ready(const struct site *site, struct MHD_Connection *connection)
{
	if (!site->snapshot)
		return reply_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				  "The first census is not done.\n");
	return reply_line(connection, MHD_HTTP_OK, "seep is ready.\n");
}

enum MHD_Result reply(const struct site *site, struct MHD_Connection *connection, const char *url,
		      const char *method)
{
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return reply_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
	if (reply_has_body(connection))
		return reply_line(connection, MHD_HTTP_CONTENT_TOO_LARGE,
				  "No request here has a body.\n");
	if (strcmp(url, site->path) == 0)
		return reply_body(site, connection,
				  accept_format(header(connection, "Accept")) ==
						  PROMETHEUS_OPENMETRICS
					  ? HTTP_OPENMETRICS
					  : HTTP_TEXT);
	if (strcmp(url, "/") == 0)
		return reply_body(site, connection, HTTP_PAGE);
	if (strcmp(url, "/-/healthy") == 0)
		return reply_line(connection, MHD_HTTP_OK, "seep is healthy.\n");
	if (strcmp(url, "/-/ready") == 0)
		return reply_ready(site, connection);
	return reply_line(connection, MHD_HTTP_NOT_FOUND, "Nothing is here.\n");
}
