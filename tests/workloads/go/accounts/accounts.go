// SPDX-License-Identifier: GPL-2.0-only

// Package accounts reads balances from PostgreSQL. The mistake: the pool of connections has no limit,
// so it is the load that decides how many the server has to bear.
package accounts

import (
	"database/sql"
	"fmt"
	"net/http"
	"time"

	_ "github.com/lib/pq"

	"example.org/shop/run"
)

const limit = 8 // connections, of the repaired pool

// Accounts is a pool.
type Accounts struct {
	db *sql.DB
}

// Open makes the pool.
func Open(source string, repaired bool) (*Accounts, error) {
	db, err := sql.Open("postgres", source)
	if err != nil {
		return nil, err
	}
	if repaired {
		db.SetMaxOpenConns(limit)
		db.SetMaxIdleConns(limit)
	}
	return &Accounts{db: db}, db.Ping()
}

// Balance is a slow query.
func (a *Accounts) Balance(w http.ResponseWriter, r *http.Request) {
	var balance int
	err := a.db.QueryRowContext(r.Context(), "SELECT 42 FROM pg_sleep(0.3)").Scan(&balance)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, balance)
}

// Start serves two customers always, and 24 more in waves of 3 seconds.
func Start(s *run.Service) {
	a, err := Open(s.Postgres, s.Repaired)
	run.Must(err)
	http.HandleFunc("/balance", a.Balance)
	balance := func(int64) string { return "/balance" }
	s.Clients(2, 500*time.Millisecond, balance)
	s.Waves(24, 6*time.Second, balance)
}
