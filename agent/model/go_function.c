// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/go_function.h"

static const char *const packages[] = {
	"archive",  "bufio",   "bytes",	  "cmp",      "compress", "container", "context", "crypto",
	"database", "debug",   "embed",	  "encoding", "errors",	  "expvar",    "flag",	  "fmt",
	"go",	    "hash",    "html",	  "image",    "index",	  "internal",  "io",	  "iter",
	"log",	    "maps",    "math",	  "mime",     "net",	  "os",	       "path",	  "plugin",
	"reflect",  "regexp",  "runtime", "slices",   "sort",	  "strconv",   "strings", "structs",
	"sync",	    "syscall", "testing", "text",     "time",	  "unicode",   "unique",  "unsafe",
	"vendor",   "weak",
};

static bool has_prefix(const char *function, const char *prefix)
{
	return strncmp(function, prefix, strlen(prefix)) == 0;
}

bool go_function_is_runtime(const char *function)
{
	return has_prefix(function, "runtime.") || has_prefix(function, "internal/runtime/") ||
	       has_prefix(function, "internal/abi.") || has_prefix(function, "internal/bytealg.");
}

bool go_function_is_syscall(const char *function)
{
	return has_prefix(function, "internal/runtime/syscall") ||
	       has_prefix(function, "runtime/internal/syscall");
}

/* The first part of the package's path; a type argument may hold a path too. */
static size_t first_part(const char *function)
{
	size_t n = strcspn(function, "/[(");

	return function[n] == '/' ? n : strcspn(function, ".");
}

bool go_function_is_standard(const char *function)
{
	size_t first = first_part(function);

	for (size_t i = 0; i < ARRAY_SIZE(packages); i++)
		if (strlen(packages[i]) == first && strncmp(function, packages[i], first) == 0)
			return true;
	return false;
}

bool go_function_is_spawner(const char *function)
{
	return has_prefix(function, "golang.org/x/sync/") ||
	       has_prefix(function, "github.com/sourcegraph/conc") ||
	       has_prefix(function, "github.com/oklog/run.") ||
	       has_prefix(function, "gopkg.in/tomb.");
}

bool go_function_is_database(const char *function)
{
	static const char *const prefixes[] = { "database/sql.",
						"database/sql/",
						"github.com/lib/pq.",
						"github.com/jackc/pg",
						"github.com/go-pg/pg",
						"github.com/jmoiron/sqlx.",
						"github.com/uptrace/bun",
						"github.com/jinzhu/gorm",
						"gorm.io/",
						"entgo.io/ent" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (has_prefix(function, prefixes[i]))
			return true;
	return false;
}
