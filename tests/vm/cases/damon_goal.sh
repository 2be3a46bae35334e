# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: 6.12 new
# Intervals that the kernel tunes itself: where it can, they change, and the snapshots say to what; where it cannot (6.12),
# that is said, and nothing is left behind.
. /lib/vm/damon.sh
tree >before
damontop --sources >sources
sed -n '/^damon /,/side effect/p' sources
if grep -q ' damon_sysfs_intervals_goal_' /proc/kallsyms; then
	check damon-goal-sources "claims it lacks it" sh -c '! grep -q intervals_goal sources'
	for way in damon_aggregated tried_regions; do
		begin --kernel-tuning --aging 20ms --aggr 400ms -e $way
		# It finds many more accesses than 4 % of those that it could, or under load fewer: both ways there is room.
		check damon-goal-$way "$(head -c 300 out) $(cat err)" wait_for 40 grep -vq '"aging_us":20000,' out
		check damon-goal-$way-says "$(head -c 300 out)" grep -q '"access_bp":400' out
		grep -o '"aging_us":[0-9]*,"aggregation_us":[0-9]*' out | uniq -c | sed "s/^/# $way/"
		# Twenty samples an aggregation, whatever they are.
		bad=$(grep -o '"aging_us":[0-9]*,"aggregation_us":[0-9]*' out | tr ':,' '  ' | awk '$4 / $2 != 20' | wc -l)
		check damon-goal-$way-ratio "$bad snapshots with another number of samples in an aggregation" [ "$bad" = 0 ]
		kill $top_pid
		wait $top_pid
		check damon-goal-$way-restored "$(diff before after | head -n 4)" wait_for 30 restored
	done
else
	check damon-goal-sources "$(cat sources)" grep -q 'without: intervals that the kernel tunes (intervals_goal)' sources
	refused damon-goal-refused 'does not tune its intervals' --kernel-tuning
fi
kill "$other" "$pid"
true
