/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damontop: starts the collector thread, and runs the tui thread's loop: a
 * screen, or batch output, or one screen as text.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "collector/collector.h"
#include "collector/recording.h"
#include "collector/sources/sources.h"
#include "collector/spawn.h"
#include "collector/symbols.h"
#include "tui/app.h"
#include "tui/batch.h"
#include "tui/completion.h"
#include "tui/config.h"
#include "tui/dump.h"
#include "tui/list_sources.h"
#include "tui/options.h"
#include "tui/output.h"
#include "tui/report.h"
#include "tui/session.h"
#include "tui/text_file.h"

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int complain(const struct err *err, int status)
{
	fprintf(stderr, "damontop: %s\n", err->text);
	return status;
}

/* A closed standard descriptor would be given to the next file that is opened, and be written to. */
static void keep_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(EXIT_FAILED);
}

/* Every signal that ends or concerns us is read, by the tui thread, from a signalfd. */
static void block_signals(sigset_t *set)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a write says EPIPE */
}

/* Those of them that end a batch; the others stay blocked. */
static int open_end_fd(struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_set(err, errno, "signalfd: %s", strerror(errno)) : fd;
}

/* Output that could not be written is a failure, whatever else went well. */
static int finish_stdout(int status)
{
	struct err err = ERR_NONE;

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	err_set(&err, errno ? errno : EIO, "writing to standard output: %s", strerror(errno ? errno : EIO));
	return complain(&err, EXIT_FAILED);
}

static int take_snapshot(void *ctx, const struct snapshot *snap, struct err *err)
{
	return output_add(((struct session *)ctx)->output, snap, err);
}

/* What the user should know of a file that has been read. */
static void print_note(const struct options *o, const struct recording *recording)
{
	if (*recording_note(recording))
		fprintf(stderr, "damontop: %s: %s\n", o->replay, recording_note(recording));
}

static int replay_batch(const struct options *o, const struct batch_options *batch, struct err *err)
{
	struct recording *recording;
	int rc = recording_open(&recording, o->replay, o->pid, &o->attrs, err);

	if (rc)
		return rc;
	rc = batch_replay(recording, batch, stdout, err);
	if (!rc)
		print_note(o, recording);
	recording_close(recording);
	return rc;
}

static int run_batch(const struct options *o, struct err *err)
{
	struct batch_options batch = {
		.json = o->json,
		.iterations = o->iterations,
		.duration_us = o->duration_us,
		.signal_fd = open_end_fd(err),
		.silent = o->report || o->openmetrics,
		.on_snapshot = take_snapshot,
	};
	struct session session;
	int rc;

	if (batch.signal_fd < 0)
		return batch.signal_fd;
	batch.ctx = &session;
	rc = session_open(&session, o, false, err);
	if (!rc && o->replay)
		rc = replay_batch(o, &batch, err);
	else if (!rc)
		rc = session_watch(&session, o->pid, err);
	if (!rc && !o->replay)
		rc = batch_run(session.channel, &batch, stdout, err);
	if (!rc)
		rc = output_finish(session.output, err);
	return session_end(&session, rc, err);
}

static bool send_command(void *ctx, const struct command *command)
{
	return channel_send(((struct session *)ctx)->channel, command);
}

static int choose_process(void *ctx, pid_t pid, struct err *err)
{
	return session_watch(ctx, pid, err);
}

static int start_recording(void *ctx, const char *path, bool anew, struct err *err)
{
	struct session *s = ctx;

	return path ? output_record(s->output, path, anew, err) : output_end_record(s->output, err);
}

static struct app_recording recording_of(void *ctx)
{
	struct app_recording recording = { NULL, 0 };

	recording.path = output_recording(((struct session *)ctx)->output, &recording.bytes);
	return recording;
}

static int save_settings(void *ctx, const struct app_settings *settings, struct err *err)
{
	const struct session *s = ctx;
	struct options o = *s->options;

	o.attrs = settings->attrs;
	o.aging_given |= settings->aging_set;
	o.aggregation_given |= settings->aggregation_set;
	o.overlay = settings->overlay;
	if (settings->theme)
		o.theme = settings->theme;
	o.contrast = settings->contrast;
	o.share = settings->share;
	/* what this run alone made different */
	if (!o.source)
		o.source = o.source_aside;
	o.ascii = o.ascii && !o.ascii_by_locale;
	return config_save(s->options->config_path, &o, err);
}

static struct app_config app_config_of(const struct options *o, const struct theme *theme, const struct look *look,
				       struct session *session)
{
	return (struct app_config){
		.theme = theme,
		.look = *look,
		.history_bytes = o->history_bytes,
		.overlay = o->overlay,
		.contrast = o->contrast,
		.share = o->share,
		.attrs = o->attrs,
		.event = o->event,
		.range_start = o->range_start,
		.range_end = o->range_end,
		.side_by_side = o->source && strchr(o->source, ','),
		.with_children = o->children,
		.fixed = o->replay ? "a recording" : NULL,
		.send = send_command,
		.on_snapshot = take_snapshot,
		.record = start_recording,
		.recorded = recording_of,
		.save = save_settings,
		.saved_to = o->config_path,
		.ctx = session,
	};
}

static bool has_target(const struct options *o)
{
	return o->pid || o->demo || o->physical || o->command || o->replay;
}

/* Of a recording the code is not at hand, nor is there any in the demo. Without them addresses are shown. */
static struct symbols *symbols_of(const struct options *o, enum symbols_mode mode)
{
	return o->replay || o->demo ? NULL : symbols_new("/proc", mode);
}

static int run_app(const struct options *o, const struct theme *theme, const struct look *look, struct session *session,
		   struct term *term, struct err *err)
{
	struct app_config config = app_config_of(o, theme, look, session);
	struct app *app;
	int rc;

	config.has_target = has_target(o);
	config.symbols = symbols_of(o, SYMBOLS_LATER);
	if (!o->replay)
		config.choose = choose_process;
	app = app_new(&config, err);
	rc = app ? app_run(app, term, session->channel, err) : -err->code;
	app_free(app);
	symbols_free(config.symbols);
	return rc < 0 ? rc : 0;
}

/*
 * The target and its source come first: a message about them finds the terminal untouched. The source is opened while
 * the terminal is.
 */
static int run_screen(const struct options *o, struct err *err)
{
	struct session session;
	struct theme theme;
	struct term *term = NULL;
	struct look look;
	int rc = theme_load(&theme, o->theme, err);

	if (rc)
		return rc;
	rc = session_open(&session, o, true, err);
	session.stays = true;
	if (!rc && has_target(o))
		rc = session_watch(&session, o->pid, err);
	if (!rc)
		rc = term_curses_open(&term, o->color, o->ascii, !o->no_mouse, &look, err);
	if (!rc)
		term_install_crash_restore(term);
	if (!rc)
		rc = run_app(o, &theme, &look, &session, term, err);
	term_close(&term);
	return session_end(&session, rc, err);
}

/* What a dump may use: no terminal is asked. */
static struct look look_of_dump(const struct options *o)
{
	static const enum color_depth depths[] = {
		[COLOR_MODE_AUTO] = COLOR_DEPTH_MONO, [COLOR_MODE_NEVER] = COLOR_DEPTH_MONO,
		[COLOR_MODE_16] = COLOR_DEPTH_16,     [COLOR_MODE_256] = COLOR_DEPTH_256,
		[COLOR_MODE_TRUE] = COLOR_DEPTH_TRUE,
	};
	struct look look = { .depth = depths[o->color], .ascii = o->ascii };

	if (o->svg && o->color == COLOR_MODE_AUTO)
		look.depth = COLOR_DEPTH_TRUE;
	return look;
}

/* The demo or a recording on a clock that only steps: the same screen every time. */
static int open_stepped(struct session *s, struct collector **collector, struct clock_virtual *clock, struct err *err)
{
	const uint64_t noon_ns = UINT64_C(1767268800) * NSEC_PER_SEC; /* 2026-01-01 12:00 UTC */
	const struct source_ops *const sources[] = { s->options->demo ? source_find("demo") : &source_replay, NULL };
	struct source_params params = session_params(s->options);

	clock_virtual_init(clock, noon_ns, noon_ns);
	params.clock = &clock->clock;
	return collector_open(collector, sources, &params, s->channel, err);
}

static int run_dump(const struct options *o, struct err *err)
{
	struct dump_options dump = {
		.nr_snapshots = o->dump_frame,
		.keys = o->keys,
		.rows = o->rows,
		.cols = o->cols,
		.svg = o->svg,
		.with_colors = o->color != COLOR_MODE_AUTO && o->color != COLOR_MODE_NEVER,
		.title = "damontop",
		.fg = 0xc9d1d9,
	};
	struct look look = look_of_dump(o);
	struct collector *stepped = NULL;
	struct clock_virtual clock;
	struct app_config config;
	struct session session;
	struct theme theme;
	struct app *app = NULL;
	int rc = theme_load(&theme, o->theme, err);

	if (rc)
		return rc;
	dump.bg = theme.ground;
	rc = session_open(&session, o, true, err);
	if (!rc)
		rc = o->demo || o->replay ? open_stepped(&session, &stepped, &clock, err)
					  : session_watch(&session, o->pid, err);
	config = app_config_of(o, &theme, &look, &session);
	config.symbols = symbols_of(o, SYMBOLS_NOW);
	if (!rc)
		app = app_new(&config, err);
	if (app)
		rc = dump_run(app, &look, session.channel, stepped, &clock, &dump, stdout, err);
	app_free(app);
	symbols_free(config.symbols);
	collector_close(stepped);
	return session_end(&session, rc ? rc : -err->code, err);
}

static int run(const struct options *o, struct err *err)
{
	struct source_params params = session_params(o);
	sigset_t blocked;

	switch (o->action) {
	case OPTIONS_HELP:
		options_print_help(stdout);
		return 0;
	case OPTIONS_VERSION:
		printf("damontop %s\n", DAMONTOP_VERSION);
		return 0;
	case OPTIONS_SOURCES:
		list_sources(stdout, &params);
		return 0;
	case OPTIONS_COMPLETION:
		completion_print(stdout, o->shell);
		return 0;
	case OPTIONS_WATCH:
		break;
	}
	block_signals(&blocked);
	if (o->batch || o->report)
		return run_batch(o, err);
	return o->dump_frame ? run_dump(o, err) : run_screen(o, err);
}

/* Names that are checked against the tables of other modules: the command line is wrong where they are not in them. */
static int check_names(const struct options *o, struct err *err)
{
	const struct source_ops *sources[SOURCE_MAX_AT_ONCE + 1];
	char names[128] = "";

	if (o->source && source_parse_list(o->source, sources, err))
		return -EINVAL;
	for (size_t i = 0; o->report; i++) {
		if (!report_kind_name(i))
			return err_set(
				err, EINVAL,
				"there is no report \"%s\"; there are: heatmap, wss, regions, hot, mappings, ages",
				o->report);
		if (strcmp(o->report, report_kind_name(i)) == 0)
			break;
	}
	for (size_t i = 0; o->overlay && app_overlay_name(i); i++) {
		if (strcmp(o->overlay, app_overlay_name(i)) == 0)
			return 0;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "",
			 app_overlay_name(i));
	}
	return o->overlay ? err_set(err, EINVAL, "there is no overlay \"%s\"; there are: %s", o->overlay, names) : 0;
}

/* The file of settings first, where the command line does not do without; then the command line over it. */
static int take_options(struct options *options, struct config *config, const char *path, int argc, char **argv,
			struct err *err)
{
	int rc = path && options_want_config(argc, argv) ? config_load(config, path, err) : 0;

	if (!rc)
		rc = options_parse(options, argc, argv, config, err);
	options->config_path = path;
	return rc ? rc : check_names(options, err);
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;
	struct config config = { 0 };
	struct options options;
	char path[TEXT_FILE_PATH_SIZE];
	bool has_path, utf8;
	int status;

	keep_standard_fds();
	utf8 = term_locale_init(); /* numbers stay the same for every reader */
	has_path = config_path(path, sizeof(path), getenv("XDG_CONFIG_HOME"), getenv("HOME"));
	if (take_options(&options, &config, has_path ? path : NULL, argc, argv, &err)) {
		status = complain(&err, EXIT_USAGE);
	} else {
		options.ascii_by_locale = !utf8 && !options.ascii;
		options.ascii |= !utf8;
		status = run(&options, &err) ? complain(&err, EXIT_FAILED) : finish_stdout(EXIT_DONE);
	}
	config_free(&config);
	return status;
}
