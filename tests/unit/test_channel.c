/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two threads share: both of its rings when they are full. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/channel.h"

static void the_channel_drops_the_oldest_and_counts(void **state)
{
	struct channel *channel = channel_new(NULL);
	struct message ended = { .type = MESSAGE_ENDED }, message;

	(void)state;
	assert_non_null(channel);
	for (unsigned i = 0; i < CHANNEL_NR_MESSAGES + 3; i++) {
		struct snapshot *snap = snapshot_new(1, false, 0, NULL);

		snap->seq = i;
		channel_publish(channel, &(struct message){ .type = MESSAGE_SNAPSHOT, .snapshot = snap });
	}
	channel_publish(channel, &ended);
	assert_int_equal(channel_nr_dropped(channel), 4);
	for (unsigned i = 4; i < CHANNEL_NR_MESSAGES + 3; i++) {
		assert_true(channel_receive(channel, &message));
		assert_int_equal(message.snapshot->seq, i);
		snapshot_free(message.snapshot);
	}
	assert_true(channel_receive(channel, &message));
	assert_int_equal(message.type, MESSAGE_ENDED);
	assert_false(channel_receive(channel, &message));
	channel_free(channel);
}

static void a_full_ring_of_commands_says_so(void **state)
{
	struct channel *channel = channel_new(NULL);
	struct command command = { .type = COMMAND_ATTRS };
	unsigned nr = 0;

	(void)state;
	assert_non_null(channel);
	while (nr <= CHANNEL_NR_COMMANDS && channel_send(channel, &command))
		nr++;
	assert_int_equal(nr, CHANNEL_NR_COMMANDS);
	assert_true(channel_next_command(channel, &command));
	assert_true(channel_send(channel, &command));
	channel_free(channel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_channel_drops_the_oldest_and_counts),
		cmocka_unit_test(a_full_ring_of_commands_says_so),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
