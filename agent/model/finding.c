// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/finding.h"
#include "agent/model/go_function.h"

#define LEADING_PART 0.5     /* of the growth of what grows most */
#define HELD_BYTES   16384.0 /* of the heap, by a goroutine or a connection and what hangs on it */

static const char *const verdicts[] = {
	[SITE_UNDECIDED] = "undecided",
	[SITE_KEEPS] = "keeps",
	[SITE_RETURNS] = "returns",
};

const char *site_verdict_name(enum site_verdict verdict)
{
	return verdicts[verdict];
}

/* Programs wrap the allocator (zmalloc, g_malloc, xstrdup, operator new); who calls that is meant.
 */
static bool is_allocator(const struct site_frame *f)
{
	return strcasestr(f->function, "alloc") || strcasestr(f->function, "strdup") ||
	       strncmp(f->function, "operator new", strlen("operator new")) == 0;
}

/* What a program talks to its database through. */
static bool is_database_client(const struct site_frame *f)
{
	const char *slash = strrchr(f->module, '/');

	return strncmp(slash ? slash + 1 : f->module, "libpq", strlen("libpq")) == 0;
}

/* Go's function table knows the file of each, C's names may be those of Go's packages. */
static bool is_go(const struct site_frame *f)
{
	size_t n = strlen(f->file);

	return n > 3 && strcmp(f->file + n - 3, ".go") == 0;
}

static bool has_go(const struct finding *f)
{
	for (size_t i = 0; i < f->n_frames; i++)
		if (is_go(&f->frames[i]))
			return true;
	return false;
}

/* From a Go function to the C function that it calls: what cgo generates, and the runtime. */
static bool is_passage(const struct site_frame *f)
{
	return !*f->function || strncmp(f->function, "_cgo_", strlen("_cgo_")) == 0 ||
	       strncmp(f->function, "runtime.", strlen("runtime.")) == 0 ||
	       strcmp(f->file, "_cgo_gotypes.go") == 0 ||
	       (is_go(f) && go_function_is_standard(f->function));
}

/* A driver that nobody here knows is below database/sql, which the program calls; one that is used
 * without that must be known by its name. */
static const struct site_frame *find_go_caller(const struct finding *f)
{
	size_t first = 0;

	for (size_t i = 0; i < f->n_frames; i++)
		if (is_go(&f->frames[i]) &&
		    strncmp(f->frames[i].function, "database/sql.", strlen("database/sql.")) == 0)
			first = i + 1;
	for (size_t i = first; i < f->n_frames; i++)
		if (is_go(&f->frames[i]) && !go_function_is_standard(f->frames[i].function) &&
		    !go_function_is_database(f->frames[i].function))
			return &f->frames[i];
	return NULL;
}

const struct site_frame *finding_frame(const struct finding *f)
{
	bool heap = strcmp(f->resource, "heap") == 0, cgo = heap && has_go(f);
	bool go = strncmp(f->resource, "go", 2) == 0 || /* goheap, gotimer, goroutine */
		  strcmp(f->resource, "channel") == 0 || strcmp(f->resource, "gc") == 0;
	bool transaction = strcmp(f->resource, "transaction") == 0;
	bool kernel = !heap && !go && !transaction && has_go(f);
	bool pool = strcmp(f->resource, "pool") == 0;
	const struct site_frame *caller = transaction || pool ? find_go_caller(f) : NULL;

	if (caller)
		return caller;
	for (size_t i = 0; (go || kernel) && i < f->n_frames; i++)
		if (*f->frames[i].function && !site_frame_is_runtime(&f->frames[i]) &&
		    !go_function_is_standard(f->frames[i].function) &&
		    !go_function_is_spawner(f->frames[i].function))
			return &f->frames[i];
	for (size_t i = 0; heap && i < f->n_frames; i++)
		if (!site_frame_is_runtime(&f->frames[i]) && !is_allocator(&f->frames[i]) &&
		    !(cgo && is_passage(&f->frames[i])))
			return &f->frames[i];
	for (size_t i = 0; transaction && i < f->n_frames; i++)
		if (!site_frame_is_runtime(&f->frames[i]) && !is_database_client(&f->frames[i]))
			return &f->frames[i];
	for (size_t i = 0; i < f->n_frames; i++)
		if (!site_frame_is_runtime(&f->frames[i]))
			return &f->frames[i];
	return f->n_frames ? &f->frames[0] : NULL;
}

struct finding *findings_add(struct findings *list)
{
	struct finding *f;

	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 32;
		struct finding *rows = reallocarray(list->rows, capacity, sizeof(*rows));

		if (!rows)
			return NULL;
		list->rows = rows;
		list->capacity = capacity;
	}
	f = &list->rows[list->n++];
	*f = (struct finding){
		.sampled = 1, .oldest = NAN, .growth_per_hour = NAN, .growth_bytes_per_hour = NAN
	};
	return f;
}

static int compare_numbers(double a, double b)
{
	a = isnan(a) ? 0 : a;
	b = isnan(b) ? 0 : b;
	return (a < b) - (a > b);
}

static bool counts_bytes(const struct finding *f)
{
	return strcmp(f->resource, "heap") == 0 || strcmp(f->resource, "goheap") == 0;
}

/* Objects of the heap are many and small: they count as what else would hold so much. */
static double growth(const struct finding *f)
{
	return counts_bytes(f) && !isnan(f->growth_bytes_per_hour)
		       ? f->growth_bytes_per_hour / HELD_BYTES
		       : f->growth_per_hour;
}

static double most_growth(const struct findings *list)
{
	double most = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->rows[i].verdict == SITE_KEEPS)
			most = fmax(most, growth(&list->rows[i])); /* of NAN the other */
	return most;
}

/* A known mistake, and all that grows so fast may well hang on it: a goroutine that is stuck holds
 * a connection and some objects. */
static bool leads(const struct finding *f, double most)
{
	return f->verdict == SITE_KEEPS && f->pattern && f->growth_per_hour >= LEADING_PART * most;
}

/*
 * A site that keeps stands above one that only holds more; then a known mistake above what grows
 * with it; then growth, of the heap in bytes, then what lives. Of a thread and the mapping of its
 * stack, which grow alike, the thread comes first.
 */
static int compare_findings(const void *left, const void *right, void *most)
{
	const struct finding *a = left, *b = right;
	int order = (b->verdict == SITE_KEEPS) - (a->verdict == SITE_KEEPS);

	if (!order)
		order = leads(b, *(double *)most) - leads(a, *(double *)most);
	if (!order && counts_bytes(a) && counts_bytes(b))
		order = compare_numbers(a->growth_bytes_per_hour, b->growth_bytes_per_hour);
	if (!order)
		order = compare_numbers(a->growth_per_hour, b->growth_per_hour);
	if (!order)
		order = (a->live_bytes > 0) - (b->live_bytes > 0);
	if (!order)
		order = compare_numbers((double)a->live, (double)b->live);
	return order ? order : compare_numbers((double)a->created, (double)b->created);
}

void findings_sort(struct findings *list)
{
	double most = most_growth(list);

	if (list->n)
		qsort_r(list->rows, list->n, sizeof(*list->rows), compare_findings, &most);
}

void findings_drop_last(struct findings *list)
{
	struct finding *last = &list->rows[--list->n];

	site_frames_free(last->frames, last->n_frames);
}

void findings_clear(struct findings *list)
{
	for (size_t i = 0; i < list->n; i++)
		site_frames_free(list->rows[i].frames, list->rows[i].n_frames);
	free(list->rows);
	*list = (struct findings){ 0 };
}
