/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collector with a target's children: real processes that do nothing, a source that is scripted, a clock that is
 * virtual. Only how old a process is is real, and waited for.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/collector.h"
#include "collector/space.h"

#define NR_CHILDREN 3
#define NR_MANY	    (MAPPINGS_MAX_PROCESSES + 6) /* more than are watched at once */
#define WAIT_MS	    20000			 /* at most, for processes to become old enough or to end */

/* ---- processes ---- */

struct people {
	pid_t parent, children[NR_MANY];
	int nr;
};

static void wait_to_be_killed(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void start_people(struct people *p, int nr)
{
	int fds[2];

	p->nr = nr;
	assert_int_equal(pipe(fds), 0);
	p->parent = fork();
	if (!p->parent) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < nr; i++) {
			pid_t pid = fork();

			/* they outlive their parent: the test ends them */
			if (!pid)
				for (;;)
					pause();
			if (write(fds[1], &pid, sizeof(pid)) != sizeof(pid))
				_exit(1);
		}
		wait_to_be_killed();
	}
	for (int i = 0; i < nr; i++)
		assert_int_equal(read(fds[0], &p->children[i], sizeof(pid_t)), sizeof(pid_t));
	close(fds[0]);
	close(fds[1]);
}

static void end_people(struct people *p)
{
	for (int i = 0; i < p->nr; i++)
		kill(p->children[i], SIGKILL);
	kill(p->parent, SIGKILL);
	waitpid(p->parent, NULL, 0);
}

/* ---- a source ---- */

/* What the sources of all processes are told, and say. */
static struct {
	pid_t fail_open, fail_drain; /* of this process: with EPERM */
	unsigned nr_opened, nr_closed, nr_with_sibling;
	struct attrs attrs; /* as told last */
} script;

struct scripted {
	struct source source;
	const struct target *target;
};

static int scripted_probe(const struct source_params *params, struct err *err)
{
	(void)params;
	(void)err;
	return 0;
}

static int scripted_open(struct source **source, const struct source_params *params, struct err *err)
{
	struct scripted *s;

	*source = NULL;
	if (params->target->pid == script.fail_open)
		return err_set(err, EPERM, "not this one");
	s = calloc(1, sizeof(*s));
	s->target = params->target;
	script.attrs = params->attrs;
	script.nr_opened++;
	script.nr_with_sibling += params->sibling != NULL;
	*source = &s->source;
	return 0;
}

/* The first page of its mappings. */
static int scripted_drain(struct source *source, struct sink *sink, struct err *err)
{
	const struct scripted *s = (const struct scripted *)source;
	uint64_t at = s->target->maps->v[0].start;
	const struct report report = { .start = at, .end = at + 4096, .count = 1 };

	if (s->target->pid == script.fail_drain)
		return err_set(err, EPERM, "not any more");
	sink->reports(sink, &report, 1);
	return 0;
}

static int scripted_set_attrs(struct source *source, const struct attrs *attrs, struct err *err)
{
	(void)source;
	(void)err;
	script.attrs = *attrs;
	return 0;
}

static void scripted_stats(struct source *source, struct source_stats *stats)
{
	(void)source;
	*stats = (struct source_stats){ 0 };
}

static void scripted_close(struct source *source)
{
	script.nr_closed += source != NULL;
	free(source);
}

static const struct source_ops scripted = {
	.name = "scripted",
	.heat_unit = HEAT_FRACTION,
	.flags = SOURCE_CHECKS | SOURCE_WSS_EXACT,
	.probe = scripted_probe,
	.open = scripted_open,
	.drain = scripted_drain,
	.set_attrs = scripted_set_attrs,
	.stats = scripted_stats,
	.close = scripted_close,
};

/* ---- the collector ---- */

struct fixture {
	struct people people;
	struct clock_virtual clock;
	struct channel *channel;
	struct collector *collector;
	struct snapshot *last; /* the newest one */
	struct err notice;     /* likewise */
	bool ended;
};

static int set_up_with(void **state, int nr)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&script, 0, sizeof(script));
	start_people(&f->people, nr);
	clock_virtual_init(&f->clock, 1000 * NSEC_PER_SEC, 1800000000 * NSEC_PER_SEC);
	f->channel = channel_new(NULL);
	*state = f;
	return !f->channel;
}

static int set_up(void **state)
{
	return set_up_with(state, NR_CHILDREN);
}

static int set_up_many(void **state)
{
	return set_up_with(state, NR_MANY);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	collector_close(f->collector);
	assert_int_equal(script.nr_opened, script.nr_closed);
	snapshot_free(f->last);
	channel_free(f->channel);
	end_people(&f->people);
	free(f);
	return 0;
}

static void open_with(struct fixture *f, bool children)
{
	const struct source_ops *const sources[] = { &scripted, NULL };
	struct source_params params = { .attrs = attrs_default(), .clock = &f->clock.clock, .children = children };

	assert_int_equal(target_open(&params.target, f->people.parent, NULL), 0);
	assert_int_equal(collector_open(&f->collector, sources, &params, f->channel, NULL), 0);
}

static void take_messages(struct fixture *f)
{
	struct message message;

	while (channel_receive(f->channel, &message)) {
		if (message.type == MESSAGE_SNAPSHOT) {
			snapshot_free(f->last);
			f->last = message.snapshot;
		} else if (message.type == MESSAGE_NOTICE) {
			f->notice = message.err;
		} else if (message.type == MESSAGE_ENDED) {
			f->ended = true;
		}
	}
}

/* Until the end of one more aggregation. */
static void aggregate(struct fixture *f)
{
	uint64_t seq = f->last ? f->last->seq + 1 : 0;

	while (!f->ended && (!f->last || f->last->seq < seq)) {
		clock_virtual_advance(&f->clock, collector_deadline_ns(f->collector));
		collector_step(f->collector);
		take_messages(f);
	}
}

/* Until so many are watched. */
static void watch_until(struct fixture *f, size_t nr)
{
	const struct timespec pause = { .tv_nsec = 10 * NSEC_PER_MSEC };

	for (unsigned ms = 0; ms < WAIT_MS; ms += 10) {
		aggregate(f);
		if (f->ended || snapshot_nr_processes(f->last) == nr)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("%zu processes are watched, not %zu", snapshot_nr_processes(f->last), nr);
}

/* Until so many are left out for want of room. */
static void watch_until_left_out(struct fixture *f, unsigned nr)
{
	const struct timespec pause = { .tv_nsec = 10 * NSEC_PER_MSEC };

	for (unsigned ms = 0; ms < WAIT_MS && f->last->nr_processes_left_out != nr; ms += 10) {
		nanosleep(&pause, NULL);
		aggregate(f);
	}
	assert_int_equal(f->last->nr_processes_left_out, nr);
}

static bool is_watched(const struct fixture *f, pid_t pid)
{
	for (size_t i = 0; i < f->last->maps->nr_processes; i++)
		if (f->last->maps->processes[i].pid == pid)
			return true;
	return false;
}

/* Reports in the rows of this process. */
static unsigned nr_reports_of(const struct fixture *f, pid_t pid)
{
	unsigned nr = 0;

	for (size_t i = 0; i < f->last->nr_regions; i++)
		if (mappings_process_of(f->last->maps, f->last->regions[i].start)->pid == pid)
			nr += f->last->regions[i].nr_reports;
	return nr;
}

/* ---- tests ---- */

static void children_are_taken_in(void **state)
{
	struct fixture *f = *state;

	open_with(f, true);
	watch_until(f, 1 + NR_CHILDREN);
	aggregate(f); /* the first one that they all were there for */
	assert_int_equal(f->last->pid, f->people.parent);
	assert_int_equal(f->last->nr_threads, 1 + NR_CHILDREN);
	assert_int_equal(f->last->wss_bytes, (1 + NR_CHILDREN) * 4096);
	assert_true(f->last->flags & SNAP_WSS_EXACT);
	assert_true(nr_reports_of(f, f->people.parent) > 0);
	for (int i = 0; i < NR_CHILDREN; i++) {
		assert_true(is_watched(f, f->people.children[i]));
		assert_int_equal(nr_reports_of(f, f->people.children[i]), nr_reports_of(f, f->people.parent));
	}
	assert_int_equal(f->last->nr_processes_left_out + f->last->nr_processes_refused, 0);
	/* limits are for all together; the budget is a share of the time of each */
	assert_int_equal(script.attrs.max_nr_regions, attrs_default().max_nr_regions / (1 + NR_CHILDREN));
	assert_int_equal(script.attrs.budget_bp, attrs_default().budget_bp);
	assert_int_equal(f->last->attrs.max_nr_regions, attrs_default().max_nr_regions);
	assert_int_equal(script.nr_with_sibling, NR_CHILDREN);
}

static void without_the_option_they_are_not(void **state)
{
	struct fixture *f = *state;

	open_with(f, false);
	aggregate(f);
	aggregate(f);
	assert_null(f->last->processes);
	assert_int_equal(script.nr_opened, 1);
}

static void who_ends_is_told_of_once_more_and_goes(void **state)
{
	struct fixture *f = *state;
	pid_t gone = f->people.children[1];

	open_with(f, true);
	watch_until(f, 1 + NR_CHILDREN);
	kill(gone, SIGKILL);
	watch_until(f, NR_CHILDREN);
	assert_false(is_watched(f, gone));
	assert_int_equal(script.nr_closed, 1);
	assert_int_equal(f->notice.code, 0); /* an end is no fault */
	assert_int_equal(script.attrs.max_nr_regions, attrs_default().max_nr_regions / NR_CHILDREN);
}

/* There is a bound; who lives is not put out for a new one, and who ends makes room. */
static void those_left_out_get_the_room_of_who_has_ended(void **state)
{
	const unsigned nr_left_out = 1 + NR_MANY - MAPPINGS_MAX_PROCESSES;
	struct fixture *f = *state;
	unsigned nr_killed = 0;

	open_with(f, true);
	watch_until(f, MAPPINGS_MAX_PROCESSES);
	watch_until_left_out(f, nr_left_out);
	for (int i = 0; i < NR_MANY && nr_killed < nr_left_out + 2; i++)
		if (is_watched(f, f->people.children[i])) {
			kill(f->people.children[i], SIGKILL);
			nr_killed++;
		}
	watch_until(f, MAPPINGS_MAX_PROCESSES - 2);
	watch_until_left_out(f, 0);
	for (int i = 0; i < NR_MANY; i++)
		nr_killed -= !is_watched(f, f->people.children[i]);
	assert_int_equal(nr_killed, 0);
}

static void children_outlive_the_first(void **state)
{
	struct fixture *f = *state;

	open_with(f, true);
	watch_until(f, 1 + NR_CHILDREN);
	kill(f->people.parent, SIGKILL);
	watch_until(f, NR_CHILDREN);
	assert_false(is_watched(f, f->people.parent));
	/* it is still the picture of that process */
	assert_int_equal(f->last->pid, f->people.parent);
	assert_false(f->ended);
	for (int i = 0; i < NR_CHILDREN; i++)
		kill(f->people.children[i], SIGKILL);
	watch_until(f, 99);
	assert_true(f->ended);
	assert_true(f->last->flags & SNAP_FINAL);
}

static void one_that_cannot_be_watched_is_counted(void **state)
{
	struct fixture *f = *state;

	script.fail_open = f->people.children[0];
	open_with(f, true);
	watch_until(f, NR_CHILDREN);
	aggregate(f);
	aggregate(f);
	assert_false(is_watched(f, script.fail_open));
	assert_int_equal(f->last->nr_processes_refused, 1);
	assert_int_equal(f->notice.code, EPERM);
	assert_non_null(strstr(f->notice.text, "not this one"));
	assert_int_equal(script.nr_opened, NR_CHILDREN);
}

static void one_on_which_the_source_fails_goes(void **state)
{
	struct fixture *f = *state;

	open_with(f, true);
	watch_until(f, 1 + NR_CHILDREN);
	script.fail_drain = f->people.children[2];
	watch_until(f, NR_CHILDREN);
	aggregate(f);
	assert_false(is_watched(f, script.fail_drain));
	assert_int_equal(f->last->nr_processes_refused, 1);
	assert_non_null(strstr(f->notice.text, "not any more"));
	assert_false(f->ended);
}

static void send(struct fixture *f, struct command command)
{
	assert_true(channel_send(f->channel, &command));
	aggregate(f);
	aggregate(f);
}

static void they_come_and_go_by_command(void **state)
{
	struct fixture *f = *state;

	open_with(f, false);
	aggregate(f);
	send(f, (struct command){ .type = COMMAND_CHILDREN, .with_children = true });
	watch_until(f, 1 + NR_CHILDREN);
	send(f, (struct command){ .type = COMMAND_CHILDREN, .with_children = false });
	assert_null(f->last->processes);
	assert_int_equal(script.nr_closed, NR_CHILDREN);
	assert_int_equal(f->last->pid, f->people.parent);
	assert_int_equal(script.attrs.max_nr_regions, attrs_default().max_nr_regions);
}

/* A range of places is that of one process. */
static void a_range_is_watched_in_one_of_them(void **state)
{
	struct fixture *f = *state;
	const struct mapping *m;

	open_with(f, true);
	watch_until(f, 1 + NR_CHILDREN);
	m = mappings_from(f->last->maps, space_place(f->last->maps->processes[2].space, 0));
	send(f, (struct command){ .type = COMMAND_RANGE, .start = m->start, .end = m->end });
	assert_true(f->last->nr_regions > 0);
	for (size_t i = 0; i < f->last->nr_regions; i++) {
		assert_true(f->last->regions[i].start >= m->start);
		assert_true(f->last->regions[i].end <= m->end);
	}
	send(f, (struct command){ .type = COMMAND_RANGE });
	assert_true(nr_reports_of(f, f->people.parent) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(children_are_taken_in),
		TEST(without_the_option_they_are_not),
		TEST(who_ends_is_told_of_once_more_and_goes),
		cmocka_unit_test_setup_teardown(those_left_out_get_the_room_of_who_has_ended, set_up_many, tear_down),
		TEST(children_outlive_the_first),
		TEST(one_that_cannot_be_watched_is_counted),
		TEST(one_on_which_the_source_fails_goes),
		TEST(they_come_and_go_by_command),
		TEST(a_range_is_watched_in_one_of_them),
	};

	return cmocka_run_group_tests_name("collector_children", tests, NULL, NULL);
}
