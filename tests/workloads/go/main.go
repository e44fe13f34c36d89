// SPDX-License-Identifier: GPL-2.0-only

// Shop is many small services in one binary, each with one of the mistakes that seep has to name, or
// with that mistake repaired:
//
//	shop NAME guilty|repaired [-store HOST:PORT] [-upstream URL] [-postgres DSN] [-seconds N]
//	shop peers
//
// Each makes its own load, says in one line of JSON when it serves, and ends with its standard input
// or after -seconds. The mistakes are those of the table in expected.json. No service imports what
// would give it a heap profile, as most that run in production have none.
package main

import (
	"fmt"
	"os"

	"example.org/shop/accounts"
	"example.org/shop/auctions"
	"example.org/shop/calls"
	"example.org/shop/dispatch"
	"example.org/shop/events"
	"example.org/shop/feed"
	"example.org/shop/followup"
	"example.org/shop/ledger"
	"example.org/shop/limits"
	"example.org/shop/pages"
	"example.org/shop/peers"
	"example.org/shop/quotes"
	"example.org/shop/rates"
	"example.org/shop/render"
	"example.org/shop/routes"
	"example.org/shop/run"
	"example.org/shop/search"
	"example.org/shop/sessions"
	"example.org/shop/settings"
)

var services = map[string]func(*run.Service){
	"accounts": accounts.Start,
	"auctions": auctions.Start,
	"calls":    calls.Start,
	"dispatch": dispatch.Start,
	"events":   events.Start,
	"feed":     feed.Start,
	"followup": followup.Start,
	"ledger":   ledger.Start,
	"limits":   limits.Start,
	"pages":    pages.Start,
	"quotes":   quotes.Start,
	"rates":    rates.Start,
	"render":   render.Start,
	"routes":   routes.Start,
	"search":   search.Start,
	"sessions": sessions.Start,
	"settings": settings.Start,
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "peers" {
		peers.Run()
		return
	}
	if len(os.Args) < 3 || services[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: shop NAME guilty|repaired [OPTION…] | shop peers")
		os.Exit(2)
	}
	service := run.New(os.Args[1], os.Args[2:])
	services[service.Name](service)
	service.Run()
}
