/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Birth times that the kernel keeps tell the past at the first look: "4,000 threads, a steady 27 an
 * hour over 6 days". The births of those still alive fall into slices of the process's own life.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BIRTH_SLICES 12

struct births {
	double from, to; /* seconds: the life of the process so far */
	double oldest;	 /* time of the first birth, NAN for none */
	uint32_t count;
	uint32_t slices[BIRTH_SLICES];
};

/* Begin for a life that lasts from..to (seconds on one clock). */
void births_begin(struct births *b, double from, double to);
void births_add(struct births *b, double at);

/*
 * True when survivors were born steadily over the life: the slices of its later three quarters each
 * gave at least one and no half of them more than three times the other. *ret_per_hour is their
 * rate.
 */
bool births_steady(const struct births *b, double *ret_per_hour);
