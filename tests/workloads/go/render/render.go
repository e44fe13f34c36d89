// SPDX-License-Identifier: GPL-2.0-only

// Package render writes reports. The mistake: text put together piece by piece in a hot loop, so
// that every row copies all rows before it. Nothing is kept; the collector pays.
package render

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.org/shop/run"
)

const rows = 400

// Report has rows of a name and an amount.
type Report struct {
	names    []string
	repaired bool
}

// Table is the text of all rows.
func (t *Report) Table() string {
	if t.repaired {
		return t.build()
	}
	text := ""
	for i, name := range t.names {
		text += name + "\t" + strconv.Itoa(i) + "\n"
	}
	return text
}

func (t *Report) build() string {
	var text strings.Builder
	text.Grow(len(t.names) * 24)
	for i, name := range t.names {
		text.WriteString(name)
		text.WriteByte('\t')
		text.WriteString(strconv.Itoa(i))
		text.WriteByte('\n')
	}
	return text.String()
}

func (t *Report) serve(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, t.Table())
}

// Start serves 20 reports a second.
func Start(s *run.Service) {
	t := &Report{repaired: s.Repaired}
	for i := 0; i < rows; i++ {
		t.names = append(t.names, "article "+strconv.Itoa(100000+i))
	}
	http.HandleFunc("/report", t.serve)
	s.Clients(2, 100*time.Millisecond, func(int64) string { return "/report" })
}
