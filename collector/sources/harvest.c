/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/sources/harvest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/sources/harvest_bpf.h"
#include "collector/sources/harvest_set.h"

/*
 * A walk is one system call, and nothing is read from the ring until it returns: the ring must hold a whole harvest.
 * Dense memory takes a record for each 2 MiB and node, so this is room for 6 GiB and more at the start; where pages
 * turn out to be lost, the ring grows.
 */
#define FIRST_RING_BYTES (UINT32_C(1) << 20)
#define MAX_RING_BYTES	 (UINT32_C(1) << 28)
#define RING_GROWTH	 4

struct harvest {
	struct source source;
	const struct ager *ager;
	void *state; /* the ager's */
	struct source_params params;
	struct harvest_options options;
	struct harvest_bpf *bpf;
	uint32_t ring_bytes;
	struct harvest_target target;
	struct harvest_set set;
	struct source_stats stats;
	uint64_t lost_seen; /* of this ring */
	bool warms_up; /* the first walk, of which nothing is told or counted: all that counts is that it is whole */
};

int harvest_probe(const struct source_params *params, const struct ager *ager, struct err *err)
{
	int rc = harvest_bpf_probe(params, ager->mglru, err);

	return rc ? rc : ager->probe(params, err);
}

void harvest_permits(const struct source_params *params, const struct ager *ager, char *dst, size_t size)
{
	const char *hooks = harvest_probe(params, ager, NULL) ? NULL : harvest_bpf_hooks(params, ager->mglru);

	snprintf(dst, size, "%s%s", hooks ? "hooks: " : "", hooks ? hooks : "");
}

void *harvest_state(const struct source *source)
{
	return ((const struct harvest *)source)->state;
}

const struct harvest_target *harvest_target(const struct harvest *h)
{
	return &h->target;
}

void harvest_begin_walk(struct harvest *h)
{
	if (h->bpf) /* of another one's aging: this one may have failed just now */
		harvest_bpf_begin_walk(h->bpf);
}

uint64_t harvest_nr_tables(const struct harvest *h)
{
	return h->bpf ? harvest_bpf_nr_tables(h->bpf) : 0;
}

/* Above it there is no memory of a process, but [vsyscall]. */
#define TOP_OF_USER_SPACE (UINT64_C(1) << 63)

bool harvest_walk_is_complete(const struct harvest *h)
{
	const struct mappings *maps = h->params.target->maps;
	uint64_t reached = h->bpf ? harvest_bpf_reached(h->bpf) : 0;
	size_t i = maps->nr;

	while (i > 0 && maps->v[i - 1].start >= TOP_OF_USER_SPACE)
		i--;
	return i == 0 || reached >= maps->v[i - 1].end;
}

bool harvest_has_lost(const struct harvest *h)
{
	return !h->warms_up && harvest_bpf_lost_pages(h->bpf) != h->lost_seen;
}

int harvest_walk_again(struct harvest *h, struct err *err)
{
	return harvest_bpf_collect_walk(h->bpf, &h->set, err);
}

int harvest_find_target(struct harvest *h, struct err *err)
{
	uint64_t before = h->target.mm;
	int rc = target_has_ended(h->params.target) ? -ESRCH : harvest_bpf_find_target(h->bpf, &h->target, err);

	/* Another address space: exec. What was seen of the old one is void. */
	if (!rc && h->target.mm != before)
		harvest_bpf_set_mm(h->bpf, h->target.mm);
	return rc;
}

int harvest_audit(struct harvest *h, struct clear_bits *bits, uint64_t *nr_found, uint64_t *nr_missed, struct err *err)
{
	struct harvest_set found;
	int rc = harvest_walk_again(h, err);

	if (rc)
		return rc;
	*nr_found = harvest_set_count(&h->set);
	found = harvest_set_copy(&h->set);
	rc = clear_bits_write(bits, CLEAR_BITS_ACCESSED, err);
	if (!rc)
		rc = harvest_walk_again(h, err);
	*nr_missed = harvest_set_count(&h->set) - *nr_found;
	if (!rc && harvest_bpf_lost_pages(h->bpf) != h->lost_seen)
		rc = -EAGAIN;
	else if (*nr_missed * HARVEST_AUDIT_SHARE <= *nr_found) {
		struct harvest_set all = h->set;

		h->set = found;
		found = all;
	}
	harvest_set_free(&found);
	return rc;
}

static int load(struct harvest *h, uint32_t ring_bytes, struct err *err)
{
	int rc = harvest_bpf_open(&h->bpf, h->params.target, h->ager->mglru, h->options.hooks, ring_bytes, err);

	h->ring_bytes = ring_bytes;
	h->lost_seen = 0;
	h->target = (struct harvest_target){ 0 };
	return rc;
}

/* One harvest, to the sink or, without one, to nowhere. */
static int harvest(struct harvest *h, struct sink *sink, struct err *err)
{
	int rc = harvest_find_target(h, err);

	h->stats.note[0] = '\0';
	if (!rc)
		rc = h->ager->age(h->state, h, h->stats.note, err);
	if (!rc)
		rc = harvest_bpf_collect(h->bpf, &h->set, err);
	if (!rc) {
		uint64_t nr_pages = harvest_set_report(&h->set, sink);

		h->stats.reports += nr_pages;
		h->stats.samples += nr_pages;
	}
	h->set.nr = 0;
	return rc;
}

/* Pages lost since this was asked last. */
static uint64_t take_lost(struct harvest *h)
{
	uint64_t total = harvest_bpf_lost_pages(h->bpf), lost = total - h->lost_seen;

	h->lost_seen = total;
	return lost;
}

/* More room in the ring; the target's bits have just been cleared, so nothing is missed by loading anew. */
static int grow_ring(struct harvest *h, struct err *err)
{
	uint32_t bytes = h->ring_bytes * RING_GROWTH;

	if (h->options.ring_is_fixed || bytes > MAX_RING_BYTES)
		return 0;
	harvest_bpf_close(h->bpf);
	h->bpf = NULL;
	return load(h, bytes, NULL) ? load(h, bytes / RING_GROWTH, err) : 0;
}

int harvest_source_drain(struct source *source, struct sink *sink, struct err *err)
{
	struct harvest *h = (struct harvest *)source;
	uint64_t lost;
	int rc = harvest(h, sink, err);

	if (rc)
		return rc;
	lost = take_lost(h);
	if (!lost)
		return 0;
	h->stats.lost += lost;
	snprintf(h->stats.note, sizeof(h->stats.note), "ring of %u KiB too small: %llu pages lost",
		 h->ring_bytes / 1024, (unsigned long long)lost);
	return grow_ring(h, err);
}

void harvest_source_stats(struct source *source, struct source_stats *stats)
{
	*stats = ((struct harvest *)source)->stats;
}

void harvest_source_close(struct source *source)
{
	struct harvest *h = (struct harvest *)source;

	if (!h)
		return;
	harvest_bpf_close(h->bpf);
	if (h->state)
		h->ager->close(h->state);
	free(h->state);
	harvest_set_free(&h->set);
	free(h);
}

static int open_parts(struct harvest *h, struct err *err)
{
	int rc;

	h->state = calloc(1, h->ager->sz_state);
	if (!h->state)
		return err_set(err, ENOMEM, "no memory for the harvest");
	rc = h->ager->open(h->state, &h->params, err);
	if (!rc)
		rc = load(h, h->options.ring_bytes ? h->options.ring_bytes : FIRST_RING_BYTES, err);
	/* Bits have been set since who knows when: the first walk only clears them. */
	h->warms_up = true;
	if (!rc)
		rc = harvest(h, NULL, err);
	h->warms_up = false;
	h->stats = (struct source_stats){ 0 };
	if (!rc && take_lost(h))
		rc = grow_ring(h, err);
	if (rc == -ESRCH)
		return err_set(err, ESRCH, "process %d has ended", h->params.target->pid);
	return rc;
}

int harvest_source_open(struct source **source, const struct source_ops *ops, const struct ager *ager,
			const struct source_params *params, const struct harvest_options *options, struct err *err)
{
	struct harvest *h = calloc(1, sizeof(*h));
	int rc;

	*source = NULL;
	if (!h)
		return err_set(err, ENOMEM, "no memory for the harvest");
	h->source.ops = ops;
	h->ager = ager;
	h->params = *params;
	if (options)
		h->options = *options;
	rc = open_parts(h, err);
	if (rc) {
		harvest_source_close(&h->source);
		return rc;
	}
	*source = &h->source;
	return 0;
}
