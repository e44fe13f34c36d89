// SPDX-License-Identifier: GPL-2.0-only

// Goservice is busy with requests to itself, each of which allocates, and has mistakes that are small
// beside all that: some a second.
//
//	goservice leak  fetch makes a transport for each request; beat, of each session, arms a timer
//	                that arms the next; remember keeps bodies of some 50 KB, compress what writes
//	                to them; find reads one row and leaves the others
//	goservice sound one transport for all; sessions that stop their timer; the last 50 bodies; rows
//	                that are closed
//
// It says "ready", answers each line of its standard input with a line of JSON, and ends with it.
package main

import (
	"bufio"
	"compress/gzip"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	recentMost = 50
	beatTime   = 300 * time.Millisecond
	pause      = 60 * time.Millisecond
)

type order struct {
	id   int
	name string
	tags map[string]string
}

type session struct {
	lock   sync.Mutex
	timer  *time.Timer
	closed bool
}

var (
	sound  bool
	server *httptest.Server
	shared = &http.Client{Transport: &http.Transport{}}
	orders []*order
	rounds int64

	bodies  []string
	writers = map[int]*gzip.Writer{}
)

func serve(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "{}")
}

// Client is one for all requests, or should be.
func client() *http.Client {
	if sound {
		return shared
	}
	return &http.Client{Transport: &http.Transport{}}
}

//go:noinline
func fetch() {
	response, err := client().Get(server.URL)
	if err != nil {
		return
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

func (s *session) beat() {
	s.lock.Lock()
	defer s.lock.Unlock()
	if !s.closed {
		s.timer = time.AfterFunc(beatTime, s.beat)
	}
}

func (s *session) end() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.closed = sound
}

// Remember keeps a few bytes of a body, and by them all of it.
//
//go:noinline
func remember(n int) {
	body := strings.Repeat("key=0123456789;", 3000+n%500)
	bodies = append(bodies, body[4:14])
	if sound && len(bodies) > recentMost {
		bodies = append(bodies[:0:0], bodies[1:]...)
	}
}

//go:noinline
func compress(n int) {
	writer := gzip.NewWriter(io.Discard)
	writer.Write([]byte("some words"))
	writer.Close()
	writers[n] = writer
	if sound {
		delete(writers, n-recentMost)
	}
}

// Memory is a database that has rows without end.
type memory struct{}
type rows int

func (memory) Open(string) (driver.Conn, error)           { return memory{}, nil }
func (memory) Prepare(string) (driver.Stmt, error)        { return memory{}, nil }
func (memory) Close() error                               { return nil }
func (memory) Begin() (driver.Tx, error)                  { return nil, driver.ErrSkip }
func (memory) NumInput() int                              { return 0 }
func (memory) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (memory) Query([]driver.Value) (driver.Rows, error)  { return new(rows), nil }
func (*rows) Columns() []string                           { return []string{"n"} }
func (*rows) Close() error                                { return nil }
func (r *rows) Next(row []driver.Value) error {
	*r++
	row[0] = int64(*r)
	return nil
}

//go:noinline
func find(db *sql.DB) (n int) {
	found, err := db.Query("select")
	if err != nil || !found.Next() || found.Scan(&n) != nil {
		return 0
	}
	if sound {
		found.Close()
	}
	return n
}

// Count asks the same database for all that it wants to know, and closes.
//
//go:noinline
func count(db *sql.DB) (n int) {
	db.QueryRow("select").Scan(&n)
	return n
}

// Work is what all others do: much that lives for a moment.
func work() {
	for n := 0; ; n++ {
		batch := make([]*order, 0, 1000)
		for i := 0; i < 1000; i++ {
			batch = append(batch, &order{n + i, fmt.Sprint("order ", i),
				map[string]string{"state": "new"}})
		}
		orders = batch
		atomic.AddInt64(&rounds, 1)
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	if len(os.Args) != 2 || (os.Args[1] != "leak" && os.Args[1] != "sound") {
		fmt.Fprintln(os.Stderr, "usage: goservice leak|sound")
		os.Exit(2)
	}
	sound = os.Args[1] == "sound"
	server = httptest.NewServer(http.HandlerFunc(serve))
	sql.Register("memory", memory{})
	db, _ := sql.Open("memory", "")
	db.SetMaxOpenConns(10000)
	go work()
	go func() {
		for n := 0; ; n++ {
			find(db)
			count(db)
			s := &session{}
			s.beat()
			fetch()
			remember(n)
			compress(n)
			time.Sleep(pause)
			s.end()
		}
	}()
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		json.NewEncoder(os.Stdout).Encode(map[string]int64{"rounds": atomic.LoadInt64(&rounds)})
	}
}
