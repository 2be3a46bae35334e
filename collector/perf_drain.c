/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of all rings, handed over: whose each is, which come twice, and what was lost. */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "collector/perf_set.h"

/* One pass over the rings of a set. */
struct pass {
	struct perf_attach *pa;
	struct perf_set *set;
	perf_attach_fn *fn;
	void *ctx;
	struct set_ring *ring;
	ptrdiff_t last; /* index of the last sample's event in set->fds: the next one is mostly of the same */
};

/* The ids at the start of a sample: IDENTIFIER always, IP where asked for, TID always (complete_attr()). */
struct origin {
	uint64_t id;
	uint32_t pid, tid;
};

static bool read_origin(const struct pass *pass, const struct perf_event_header *rec, struct origin *o)
{
	const uint64_t *word = (const uint64_t *)(const void *)(rec + 1);
	size_t at = 1 + !!(pass->pa->spec.attr[0].sample_type & PERF_SAMPLE_IP);

	if (rec->size < sizeof(*rec) + (at + 1) * sizeof(*word))
		return false;
	o->id = word[0];
	o->pid = (uint32_t)word[at];
	o->tid = (uint32_t)(word[at] >> 32);
	return true;
}

/* The place of thread in the table, or the free one where it would be. */
static struct set_claim *find_claim(struct set_claim *v, size_t cap, uint64_t thread)
{
	size_t i = (size_t)(thread * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (cap - 1);

	while (v[i].id && v[i].thread != thread)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

/* Keeps the table at most half full. */
static bool make_room(struct perf_set *set)
{
	size_t cap = set->cap_claims ? set->cap_claims * 2 : 256;
	struct set_claim *v;

	if (set->nr_claims < set->cap_claims / 2)
		return true;
	v = calloc(cap, sizeof(*v));
	if (!v)
		return false;
	for (size_t i = 0; i < set->cap_claims; i++)
		if (set->claims[i].id)
			*find_claim(v, cap, set->claims[i].thread) = set->claims[i];
	free(set->claims);
	set->claims = v;
	set->cap_claims = cap;
	return true;
}

/*
 * Does another descriptor already speak for this thread, on this CPU, about this event? Two that cover one thread count
 * the same events, so either will do. A thread may be covered on one CPU and not on another: inheritance came between.
 */
static bool is_duplicate(struct perf_set *set, const struct set_fd *f, uint32_t tid)
{
	uint64_t thread = (uint64_t)tid << 32 | (uint64_t)f->event << 24 | (unsigned)f->cpu;
	struct set_claim *claim;

	if (!make_room(set))
		return false;
	claim = find_claim(set->claims, set->cap_claims, thread);
	if (claim->id)
		return claim->id != f->id;
	*claim = (struct set_claim){ .thread = thread, .id = f->id };
	set->nr_claims++;
	return false;
}

static const struct set_fd *find_event(struct pass *pass, const struct origin *o)
{
	const struct perf_set *set = pass->set;

	if (pass->last < 0 || set->fds[pass->last].id != o->id)
		pass->last = perf_set_find_id(set, o->id);
	return pass->last < 0 ? NULL : &set->fds[pass->last];
}

/*
 * Since Linux 6.2 the fields of a sample are filled in once for all events that the same page fault (or hit of a
 * tracepoint) sets off, the id among them: perf_prepare_sample(), data->sample_flags. So while anybody else counts page
 * faults as well, another descriptor's id may stand in our own event's sample. The event that this can have happened
 * to, or -1: none, or more than one.
 */
static int shared_event(const struct perf_attach_spec *spec)
{
	int found = -1;

	for (size_t i = 0; i < spec->nr_events; i++) {
		const struct perf_event_attr *attr = &spec->attr[i];

		if (perf_attr_is_timer(attr) ||
		    (attr->type != PERF_TYPE_SOFTWARE && attr->type != PERF_TYPE_TRACEPOINT))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/*
 * For the same reason two descriptors of ours that cover one thread write the same record, id and time included, one
 * behind the other; before Linux 6.2 their ids differ. Without a time two records may be alike by right.
 */
static bool is_repeated(struct set_ring *ring, const struct perf_event_header *rec, const struct perf_event_attr *attr)
{
	size_t sz = rec->size - sizeof(*rec);
	bool same;

	if (!(attr->sample_type & PERF_SAMPLE_TIME))
		return false;
	if (sz > sizeof(ring->last))
		sz = sizeof(ring->last);
	same = sz == ring->sz_last && !memcmp(ring->last, rec + 1, sz);
	memcpy(ring->last, rec + 1, sz);
	ring->sz_last = sz;
	return same;
}

static void drain_sample(struct pass *pass, const struct perf_event_header *rec)
{
	struct perf_attach *pa = pass->pa;
	const struct set_fd *f;
	struct origin o;
	int event;

	if (!read_origin(pass, rec, &o)) {
		pa->stats.malformed++;
		return;
	}
	if ((pid_t)o.pid != pa->pid) {
		pa->stats.foreign++;
		return;
	}
	f = find_event(pass, &o);
	event = f ? f->event : shared_event(&pa->spec);
	if (event < 0) {
		pa->stats.malformed++;
		return;
	}
	if (pass->set->ambiguous &&
	    (is_repeated(pass->ring, rec, &pa->spec.attr[event]) || (f && is_duplicate(pass->set, f, o.tid))))
		return;
	pass->fn(pass->ctx, rec, &pa->spec.attr[event]);
}

/* Where a u64 stands in the record's body, or 0 where it is too short. */
static uint64_t body_word(const struct perf_event_header *rec, size_t i)
{
	const uint64_t *word = (const uint64_t *)(const void *)(rec + 1);

	return rec->size >= sizeof(*rec) + (i + 1) * sizeof(*word) ? word[i] : 0;
}

static void drain_record(struct pass *pass, const struct perf_event_header *rec)
{
	struct perf_attach_stats *stats = &pass->pa->stats;

	switch (rec->type) {
	case PERF_RECORD_SAMPLE:
		drain_sample(pass, rec);
		return;
	case PERF_RECORD_LOST: /* id, lost */
		stats->lost += body_word(rec, 1);
		break;
	case PERF_RECORD_LOST_SAMPLES:
		stats->lost += body_word(rec, 0);
		break;
	case PERF_RECORD_THROTTLE:
		stats->throttled++;
		break;
	}
	pass->fn(pass->ctx, rec, &pass->pa->spec.attr[0]);
}

static void drain_ring(struct pass *pass, struct set_ring *from)
{
	struct perf_ring *ring = &from->ring;
	const struct perf_event_header *rec;
	uint64_t malformed = ring->nr_malformed;

	pass->ring = from;
	perf_ring_begin(ring);
	while ((rec = perf_ring_next(ring)))
		drain_record(pass, rec);
	perf_ring_end(ring);
	pass->pa->stats.malformed += ring->nr_malformed - malformed;
}

static void drain_set(struct perf_attach *pa, struct perf_set *set, perf_attach_fn *fn, void *ctx)
{
	struct pass pass = { .pa = pa, .set = set, .fn = fn, .ctx = ctx, .last = -1 };

	for (size_t i = 0; i < set->nr_rings; i++)
		drain_ring(&pass, &set->rings[i]);
}

/* A thread that has ended leaves its descriptor readable for ever; another one of its ring takes over. */
static void replace_ended(struct perf_attach *pa)
{
	struct epoll_event events[32];
	int nr;

	do {
		nr = epoll_wait(pa->epoll_fd, events, 32, 0);
		if (nr <= 0)
			return;
		for (int i = 0; i < nr; i++)
			if ((events[i].events & (EPOLLHUP | EPOLLERR)) && events[i].data.u64 < pa->set.nr_rings)
				perf_set_poll_another(pa, &pa->set, &pa->set.rings[events[i].data.u64]);
	} while (nr == 32);
}

void perf_attach_drain(struct perf_attach *pa, perf_attach_fn *fn, void *ctx)
{
	/* Before the old set goes: the epoll set must hold the new one's rings only. */
	drain_set(pa, &pa->old, fn, ctx);
	perf_set_free(&pa->old);
	replace_ended(pa);
	drain_set(pa, &pa->set, fn, ctx);
}
