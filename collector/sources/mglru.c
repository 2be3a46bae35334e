/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ages the target's memcg on every node with memory, through MGLRU's debugfs file. The kernel then walks the page
 * tables of every process of that memcg and clears the access bits of the pages that are charged to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "collector/clear_bits.h"
#include "collector/clock.h"
#include "collector/lru_gen.h"
#include "collector/sources/harvest.h"
#include "collector/sources/sources.h"

#define DEBUGFS	    "/sys/kernel/debug"
#define LRU_GEN	    DEBUGFS "/lru_gen"
#define LRU_ENABLED "/sys/kernel/mm/lru_gen/enabled"

/* Bits of LRU_ENABLED: MGLRU itself, and that aging walks page tables. */
#define ENABLED_CORE 1
#define ENABLED_WALK 2

/* Times to try where another ager has been faster, or the target has changed its cgroup under way. */
#define MAX_TRIES 4
#define MAX_TEXT  (64 << 20)
/*
 * What MGLRU does not see of the target (pages charged to another cgroup, locked ones, mappings advised to be random)
 * is found out at the start, after a change of cgroup, and every so many harvests.
 */
#define AUDIT_EVERY 64

/* One of those that watch processes beside each other: what the last aging by any of them was for it. */
struct aged {
	struct harvest *harvest; /* NULL: it has not aged yet, or has gone */
	uint64_t nr_tables;	 /* before it */
	bool complete;		 /* on every node its walk has come to the end of this one's memory */
};

/*
 * A memcg is aged as a whole: where several processes of one are watched (--children), each hears of its pages when any
 * of them ages, and one aging a check is enough for all. Shared by them; the last one frees it.
 */
struct aged_together {
	unsigned nr_refs;
	struct aged v[MAPPINGS_MAX_PROCESSES];
	uint32_t memcg;	 /* that was aged last; 0: none */
	uint64_t end_ns; /* when */
};

struct mglru {
	int fd; /* lru_gen */
	const struct clock *clock;
	uint64_t fresh_ns; /* for so long an aging is one of this check */
	struct aged_together *together;
	struct aged *own;	      /* in it; NULL: not yet */
	struct clear_bits clear_refs; /* for what MGLRU passes by */
	bool has_clear_refs;
	char *text;
	size_t sz_text;
	uint32_t memcg;	  /* of the last harvest */
	uint32_t nr_ages; /* since the last change of it */
	bool is_blind;	  /* to a part of the target's pages, said the last audit */
};

/* ---- probe ---- */

static const char *path_in(char dst[256], const char *root, const char *path)
{
	snprintf(dst, 256, "%s%s", root ? root : "", path);
	return dst;
}

static int check_enabled(const char *root, struct err *err)
{
	char path[256], text[32] = "";
	unsigned long enabled;
	FILE *file = fopen(path_in(path, root, LRU_ENABLED), "re");

	if (!file)
		return err_set(err, ENOTSUP, "the kernel has no MGLRU (%s: %s): needs 6.1 or newer with CONFIG_LRU_GEN",
			       path, strerror(errno));
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	enabled = strtoul(text, NULL, 16);
	if ((enabled & (ENABLED_CORE | ENABLED_WALK)) != (ENABLED_CORE | ENABLED_WALK))
		return err_set(err, ENOTSUP, "MGLRU is switched off (0x%04lx): echo y > %s switches it on", enabled,
			       LRU_ENABLED);
	return 0;
}

/* Opens lru_gen; what is in the way is told as exactly as the errors allow. */
static int open_lru_gen(const char *root, struct err *err)
{
	char path[256];
	struct statfs fs;
	int fd = open(path_in(path, root, LRU_GEN), O_RDWR | O_CLOEXEC), error = errno;

	if (fd >= 0)
		return fd;
	if (error == EACCES)
		return err_set(err, EACCES, "not permitted to open %s (%s): run as root", path, strerror(error));
	if (error == EPERM)
		return err_set(err, EPERM, "%s is locked (%s): the kernel is locked down (kernel_lockdown(7))", path,
			       strerror(error));
	if (error == ENOENT && (statfs(path_in(path, root, DEBUGFS), &fs) || fs.f_type != DEBUGFS_MAGIC))
		return err_set(err, ENOENT, "debugfs is not mounted: mount -t debugfs none %s", DEBUGFS);
	return err_set(err, error, "%s: %s", LRU_GEN, strerror(error));
}

static int mglru_ager_probe(const struct source_params *params, struct err *err)
{
	int rc = check_enabled(params->root, err), fd;

	if (rc)
		return rc;
	fd = open_lru_gen(params->root, err);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* ---- aging ---- */

static int mglru_ager_open(void *state, const struct source_params *params, struct err *err)
{
	struct mglru *m = state;
	int rc = check_enabled(params->root, err);

	m->fd = -1;
	m->clock = params->clock;
	m->fresh_ns = params->attrs.aging_us * NSEC_PER_USEC / 2;
	m->together = params->sibling ? ((struct mglru *)harvest_state(params->sibling))->together
				      : calloc(1, sizeof(*m->together));
	if (!m->together)
		return err_set(err, ENOMEM, "no memory for the harvest");
	m->together->nr_refs++;
	m->has_clear_refs = clear_bits_open(&m->clear_refs, params->target, NULL) == 0;
	if (rc)
		return rc;
	m->fd = open_lru_gen(params->root, err);
	return m->fd < 0 ? m->fd : 0;
}

static void mglru_ager_close(void *state)
{
	struct mglru *m = state;

	if (m->fd > 0)
		close(m->fd);
	clear_bits_close(&m->clear_refs);
	free(m->text);
	if (m->own)
		*m->own = (struct aged){ 0 };
	if (m->together && !--m->together->nr_refs)
		free(m->together);
}

/* ---- together ---- */

/* Its place among those that age together; NULL: there is none. */
static struct aged *find_own(struct mglru *m, struct harvest *harvest)
{
	for (size_t i = 0; !m->own && i < MAPPINGS_MAX_PROCESSES; i++)
		if (!m->together->v[i].harvest) {
			m->own = &m->together->v[i];
			*m->own = (struct aged){ .harvest = harvest };
		}
	return m->own;
}

/* An aging begins, of all nodes. */
static void begin_together(struct aged_together *together)
{
	together->memcg = 0;
	for (size_t i = 0; i < MAPPINGS_MAX_PROCESSES; i++) {
		struct aged *a = &together->v[i];

		a->complete = a->harvest != NULL;
		a->nr_tables = a->harvest ? harvest_nr_tables(a->harvest) : 0;
	}
}

/* Around the walk of one node. */
static void begin_walks(const struct aged_together *together)
{
	for (size_t i = 0; i < MAPPINGS_MAX_PROCESSES; i++)
		if (together->v[i].harvest)
			harvest_begin_walk(together->v[i].harvest);
}

static void end_walks(struct aged_together *together)
{
	for (size_t i = 0; i < MAPPINGS_MAX_PROCESSES; i++)
		if (together->v[i].harvest)
			together->v[i].complete &= harvest_walk_is_complete(together->v[i].harvest);
}

/* Has another of them just aged this one's memcg, and come to the end of its memory? It counts for one harvest. */
static bool was_aged(struct mglru *m, uint32_t memcg)
{
	const struct aged_together *together = m->together;
	bool was = m->own && m->own->complete && memcg && together->memcg == memcg &&
		   clock_now_ns(m->clock) - together->end_ns < m->fresh_ns;

	if (m->own)
		m->own->complete = false;
	return was;
}

/* The whole of lru_gen; returns its length or -errno. */
static ssize_t read_lru_gen(struct mglru *m)
{
	size_t used = 0;
	ssize_t n;

	for (;;) {
		if (used == m->sz_text) {
			size_t size = m->sz_text ? m->sz_text * 2 : 64 << 10;
			char *more = size <= MAX_TEXT ? realloc(m->text, size) : NULL;

			if (!more)
				return -ENOMEM;
			m->text = more;
			m->sz_text = size;
		}
		n = pread(m->fd, m->text + used, m->sz_text - used, (off_t)used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : (ssize_t)used;
		used += (size_t)n;
	}
}

static int write_command(struct mglru *m, uint32_t memcg, const struct lru_gen_node *node)
{
	char command[LRU_GEN_COMMAND_SIZE];
	size_t len = lru_gen_aging_command(command, memcg, node);
	ssize_t n;

	do
		n = write(m->fd, command, len); /* a seq_file: pwrite() is refused */
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/*
 * MGLRU passes the rest of a process by in silence where it cannot take its mmap lock at once, where it has fewer than
 * 64 pages, or where another aging has been faster: then once more, with the next generation. -EAGAIN: in vain; look
 * again.
 */
static int age_node(struct mglru *m, struct harvest *harvest, uint32_t memcg, struct lru_gen_node node)
{
	int rc = 0;

	for (int i = 0; i < MAX_TRIES; i++, node.max_gen++) {
		rc = i ? harvest_walk_again(harvest, NULL) : 0;
		harvest_begin_walk(harvest);
		begin_walks(m->together);
		if (!rc)
			rc = write_command(m, memcg, &node);
		if (rc)
			break;
		if (harvest_walk_is_complete(harvest) || harvest_has_lost(harvest))
			return 0;
	}
	/* EINVAL: the memcg has vanished, or the generation is not its youngest any more. */
	return !rc || rc == -EINVAL || rc == -EEXIST || rc == -EBUSY ? -EAGAIN : rc;
}

/* Every node of the target's memcg. -EAGAIN: not all of it was aged. */
static int age_memcg(struct mglru *m, struct harvest *harvest, struct err *err)
{
	uint32_t memcg = harvest_target(harvest)->memcg;
	struct lru_gen_node nodes[LRU_GEN_MAX_NODES];
	ssize_t len = read_lru_gen(m);
	int nr, rc = 0;

	if (len < 0)
		return err_set(err, (int)-len, "reading " LRU_GEN ": %s", strerror((int)-len));
	nr = lru_gen_find(m->text, (size_t)len, memcg, nodes, LRU_GEN_MAX_NODES);
	if (nr < 0)
		return err_set(err, EBADMSG, LRU_GEN " is not in the form that is known");
	if (nr > LRU_GEN_MAX_NODES)
		nr = LRU_GEN_MAX_NODES;
	begin_together(m->together);
	for (int i = 0; i < nr && !rc; i++) {
		rc = age_node(m, harvest, memcg, nodes[i]);
		end_walks(m->together);
	}
	if (nr && !rc) {
		m->together->memcg = memcg;
		m->together->end_ns = clock_now_ns(m->clock);
		if (m->own)
			m->own->complete = false; /* the next harvest of this one wants an aging of its own */
	}
	if (rc && rc != -EAGAIN)
		return err_set(err, -rc, "aging memcg %" PRIu32 ": %s", memcg, strerror(-rc));
	return nr ? rc : -EAGAIN;
}

/* Sees every present page, wherever it is charged and whoever holds the lock. */
static int age_by_clear_refs(struct mglru *m, struct harvest *harvest, const char *why, char *note)
{
	int rc = m->has_clear_refs ? harvest_walk_again(harvest, NULL) : -EACCES;

	if (!rc)
		rc = clear_bits_write(&m->clear_refs, CLEAR_BITS_ACCESSED, NULL);
	if (rc == -ESRCH)
		return rc;
	snprintf(note, HARVEST_NOTE_SIZE, "%s: %s", why, rc ? "not all pages are seen" : "aged by clear_refs too");
	return 0;
}

/*
 * What MGLRU may have left out of an aging, or NULL. Before 6.12 it passes by page tables whose own access bit is
 * clear, also when it is told to scan everything, and clears that bit as it goes: the aging of one node hides the pages
 * of the next from it.
 */
static const char *left_out(const struct mglru *m, int rc, bool has_cleared_tables)
{
	if (rc == -EAGAIN)
		return "MGLRU passed the target by";
	if (has_cleared_tables)
		return "this kernel's MGLRU passes page tables by";
	return m->is_blind ? "MGLRU does not see all of the target's pages" : NULL;
}

static bool audit_is_due(struct mglru *m, uint32_t memcg)
{
	if (memcg != m->memcg)
		m->nr_ages = 0;
	m->memcg = memcg;
	return m->nr_ages++ % AUDIT_EVERY == 0 && m->has_clear_refs;
}

static int audit(struct mglru *m, struct harvest *harvest, struct err *err)
{
	uint64_t nr_found = 0, nr_missed = 0;
	int rc = harvest_audit(harvest, &m->clear_refs, &nr_found, &nr_missed, err);

	if (rc == -EAGAIN) {
		m->nr_ages = 0; /* with the next harvest, when the ring has grown */
		return 0;
	}
	m->is_blind = nr_missed * HARVEST_AUDIT_SHARE > nr_found;
	return rc;
}

static int mglru_age(void *state, struct harvest *harvest, char *note, struct err *err)
{
	uint64_t nr_tables = harvest_nr_tables(harvest);
	struct mglru *m = state;
	const char *why;
	int rc = -EAGAIN;

	find_own(m, harvest);
	if (was_aged(m, harvest_target(harvest)->memcg)) {
		nr_tables = m->own->nr_tables;
		rc = 0;
	}
	for (int i = 0; i < MAX_TRIES && rc == -EAGAIN && !harvest_has_lost(harvest); i++) {
		rc = i ? harvest_walk_again(harvest, err) : 0;
		/* It may have moved to another cgroup, or ended. */
		if (i && !rc)
			rc = harvest_find_target(harvest, err);
		if (!rc)
			rc = age_memcg(m, harvest, err);
	}
	if (rc && rc != -EAGAIN)
		return rc;
	/* What a second walk would add comes with the next harvest, when the ring has grown. */
	if (harvest_has_lost(harvest))
		return 0;
	if (!rc && audit_is_due(m, harvest_target(harvest)->memcg))
		return audit(m, harvest, err);
	why = left_out(m, rc, harvest_nr_tables(harvest) != nr_tables);
	return why ? age_by_clear_refs(m, harvest, why, note) : 0;
}

const struct ager ager_mglru = {
	.sz_state = sizeof(struct mglru),
	.mglru = true,
	.probe = mglru_ager_probe,
	.open = mglru_ager_open,
	.age = mglru_age,
	.close = mglru_ager_close,
};

static int mglru_probe(const struct source_params *params, struct err *err)
{
	return harvest_probe(params, &ager_mglru, err);
}

static void mglru_permits(const struct source_params *params, char *dst, size_t size)
{
	harvest_permits(params, &ager_mglru, dst, size);
}

static int mglru_open(struct source **source, const struct source_params *params, struct err *err)
{
	return harvest_source_open(source, &source_mglru, &ager_mglru, params, NULL, err);
}

const struct source_ops source_mglru = {
	.name = "mglru",
	.sees = "every page touched since the last aging, by 4 KiB, with node, anon/file, huge",
	.side_effect =
		"ages the target's whole memory cgroup: reclaim sees new generations and cleared access bits, and two "
		"that age take them from each other",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_AUTO | SOURCE_CHECKS | SOURCE_WSS_EXACT | SOURCE_CLEARS | SOURCE_NO_HUGETLB,
	.probe = mglru_probe,
	.permits = mglru_permits,
	.open = mglru_open,
	.drain = harvest_source_drain,
	.stats = harvest_source_stats,
	.close = harvest_source_close,
};
