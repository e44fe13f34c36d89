// SPDX-License-Identifier: GPL-2.0-only

// Package settings applies a memory limit. The mistake: it comes after the first allocations. What
// sizes itself by the limit has then seen none, fills the memory, and the collector runs back to back.
package settings

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"example.org/shop/run"
)

const (
	limit     = 64 << 20
	most      = 58 << 20 // of catalogue, however much memory there is
	blockSize = 64 << 10
)

// Watcher applies the settings again and again, as they may have changed.
type Watcher struct {
	every time.Duration
}

// Apply sets what the settings say.
func (w *Watcher) Apply() {
	debug.SetMemoryLimit(limit)
}

func (w *Watcher) watch() {
	for range time.Tick(w.every) {
		w.Apply()
	}
}

// Catalogue is held in memory.
type Catalogue struct {
	blocks [][]byte
}

// Load takes up to a quarter of the memory that there is.
func Load() *Catalogue {
	size := debug.SetMemoryLimit(-1) / 4
	if size > most {
		size = most
	}
	c := &Catalogue{}
	for ; size > 0; size -= blockSize {
		block := make([]byte, blockSize)
		for i := range block {
			block[i] = byte(i)
		}
		c.blocks = append(c.blocks, block)
	}
	return c
}

func (c *Catalogue) serve(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.URL.Query().Get("item"))
	block := c.blocks[number%len(c.blocks)]
	w.Write(append([]byte(nil), block[:8<<10]...))
}

// Start serves 20 items a second.
func Start(s *run.Service) {
	w := &Watcher{every: 5 * time.Second}
	if s.Repaired {
		w.Apply()
	}
	c := Load()
	go w.watch()
	http.HandleFunc("/item", c.serve)
	s.Clients(2, 100*time.Millisecond, func(number int64) string {
		return "/item?item=" + strconv.FormatInt(number, 10)
	})
}
