/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/channel.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct channel {
	pthread_mutex_t lock; /* guards all below but the fds, which never change */
	struct message messages[CHANNEL_NR_MESSAGES];
	size_t message_first, nr_messages;
	struct command commands[CHANNEL_NR_COMMANDS];
	size_t command_first, nr_commands;
	uint64_t nr_dropped;
	int message_fd, command_fd;
};

struct channel *channel_new(struct err *err)
{
	struct channel *ch = calloc(1, sizeof(*ch));

	if (!ch) {
		err_set(err, ENOMEM, "no memory for the channel between the threads");
		return NULL;
	}
	pthread_mutex_init(&ch->lock, NULL);
	ch->message_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ch->command_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ch->message_fd < 0 || ch->command_fd < 0) {
		err_set(err, errno, "eventfd: %s", strerror(errno));
		channel_free(ch);
		return NULL;
	}
	return ch;
}

void channel_free(struct channel *ch)
{
	struct message message;

	if (!ch)
		return;
	while (ch->message_fd >= 0 && channel_receive(ch, &message))
		snapshot_free(message.snapshot);
	if (ch->message_fd >= 0)
		close(ch->message_fd);
	if (ch->command_fd >= 0)
		close(ch->command_fd);
	pthread_mutex_destroy(&ch->lock);
	free(ch);
}

/* An eventfd's counter says "something is there"; the rings say what. */
static void raise_fd(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0) {
		/* EAGAIN: the counter is at its top, and so readable. */
	}
}

static void lower_fd(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0) {
		/* EAGAIN: it was not raised. */
	}
}

/* Makes room for one more by taking out the oldest snapshot; what must not be lost stays. Returns it, to be freed. */
static struct snapshot *drop_oldest(struct channel *ch)
{
	for (size_t i = 0; i < ch->nr_messages; i++) {
		size_t at = (ch->message_first + i) % CHANNEL_NR_MESSAGES;
		struct snapshot *snap = ch->messages[at].snapshot;

		if (ch->messages[at].type == MESSAGE_ENDED)
			continue;
		for (; i + 1 < ch->nr_messages; i++) {
			size_t next = (ch->message_first + i + 1) % CHANNEL_NR_MESSAGES;

			ch->messages[at] = ch->messages[next];
			at = next;
		}
		ch->nr_messages--;
		if (snap)
			ch->nr_dropped++;
		return snap;
	}
	return NULL;
}

void channel_publish(struct channel *ch, const struct message *message)
{
	struct snapshot *dropped = NULL;

	pthread_mutex_lock(&ch->lock);
	if (ch->nr_messages == CHANNEL_NR_MESSAGES)
		dropped = drop_oldest(ch);
	ch->messages[(ch->message_first + ch->nr_messages++) % CHANNEL_NR_MESSAGES] = *message;
	pthread_mutex_unlock(&ch->lock);
	raise_fd(ch->message_fd);
	snapshot_free(dropped);
}

bool channel_receive(struct channel *ch, struct message *message)
{
	bool got;

	pthread_mutex_lock(&ch->lock);
	got = ch->nr_messages > 0;
	if (got) {
		*message = ch->messages[ch->message_first];
		ch->message_first = (ch->message_first + 1) % CHANNEL_NR_MESSAGES;
		ch->nr_messages--;
	} else {
		lower_fd(ch->message_fd);
	}
	pthread_mutex_unlock(&ch->lock);
	return got;
}

bool channel_send(struct channel *ch, const struct command *command)
{
	bool sent;

	pthread_mutex_lock(&ch->lock);
	sent = ch->nr_commands < CHANNEL_NR_COMMANDS;
	if (sent)
		ch->commands[(ch->command_first + ch->nr_commands++) % CHANNEL_NR_COMMANDS] = *command;
	pthread_mutex_unlock(&ch->lock);
	raise_fd(ch->command_fd);
	return sent;
}

bool channel_next_command(struct channel *ch, struct command *command)
{
	bool got;

	pthread_mutex_lock(&ch->lock);
	got = ch->nr_commands > 0;
	if (got) {
		*command = ch->commands[ch->command_first];
		ch->command_first = (ch->command_first + 1) % CHANNEL_NR_COMMANDS;
		ch->nr_commands--;
	} else {
		lower_fd(ch->command_fd);
	}
	pthread_mutex_unlock(&ch->lock);
	return got;
}

int channel_command_fd(const struct channel *ch)
{
	return ch->command_fd;
}

int channel_message_fd(const struct channel *ch)
{
	return ch->message_fd;
}

size_t channel_room(struct channel *ch)
{
	size_t room;

	pthread_mutex_lock(&ch->lock);
	room = CHANNEL_NR_MESSAGES - ch->nr_messages;
	pthread_mutex_unlock(&ch->lock);
	return room;
}

uint64_t channel_nr_dropped(struct channel *ch)
{
	uint64_t nr;

	pthread_mutex_lock(&ch->lock);
	nr = ch->nr_dropped;
	pthread_mutex_unlock(&ch->lock);
	return nr;
}
