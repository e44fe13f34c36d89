// SPDX-License-Identifier: GPL-2.0-only

// Package ledger settles accounts in PostgreSQL. The mistake: when an account lacks the money, the
// transaction stays open and its connection goes back to the pool.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	_ "github.com/lib/pq"

	"example.org/shop/run"
)

const (
	accounts = 6
	poor     = 4 // of them
	every    = 20 * time.Second
)

var errNoMoney = errors.New("the account lacks the money")

// Book is a table of accounts.
type Book struct {
	db       *sql.DB
	table    string
	repaired bool
}

// Settle books one account within a transaction.
func (b *Book) Settle(ctx context.Context, account int) error {
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := b.withdraw(ctx, conn, account); err != nil {
		if b.repaired {
			conn.ExecContext(ctx, "ROLLBACK")
		}
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

func (b *Book) withdraw(ctx context.Context, conn *sql.Conn, account int) error {
	var balance int
	query := "SELECT balance FROM " + b.table + " WHERE account = $1"
	if err := conn.QueryRowContext(ctx, query, account).Scan(&balance); err != nil {
		return err
	}
	if balance == 0 {
		return errNoMoney
	}
	_, err := conn.ExecContext(ctx, "UPDATE "+b.table+" SET balance = balance - 1 WHERE account = $1", account)
	return err
}

func (b *Book) settleAll(account int) {
	for {
		if err := b.Settle(context.Background(), account); err != nil && err != errNoMoney {
			fmt.Fprintln(os.Stderr, err)
		}
		time.Sleep(every)
	}
}

func (b *Book) create() error {
	_, err := b.db.Exec("CREATE TABLE " + b.table + " (account int PRIMARY KEY, balance int)")
	for account := 0; err == nil && account < accounts; account++ {
		balance := 0
		if account >= poor {
			balance = 1000000
		}
		_, err = b.db.Exec("INSERT INTO "+b.table+" VALUES ($1, $2)", account, balance)
	}
	return err
}

// Start settles all accounts every 20 seconds.
func Start(s *run.Service) {
	db, err := sql.Open("postgres", s.Postgres)
	run.Must(err)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	b := &Book{db: db, table: fmt.Sprintf("ledger_%d", os.Getpid()), repaired: s.Repaired}
	run.Must(b.create())
	for account := 0; account < accounts; account++ {
		go b.settleAll(account)
	}
}
