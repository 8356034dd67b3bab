/* SPDX-License-Identifier: Apache-2.0 */
/* Pods as raw records. */
#include <stdlib.h>
#include <string.h>

#include "kube/snapshot_internal.h"

/* The "ip" members of a list, else the single field. */
static size_t
read_ips(struct object *o, const struct json_node *status, const char *list_key,
    const char *single_key, const struct ip_addr **out)
{
	const struct json_node *list =
	    object_maps(o, status, "status", list_key);
	size_t size = json_node_size(list), n = 0;
	struct ip_addr *v = object_alloc(o, size + 1, sizeof(*v));
	const char *path =
	    *list_key == 'p' ? "status.podIPs[]" : "status.hostIPs[]";

	if (v == NULL)
		return 0;
	for (size_t i = 0; i < size; i++) {
		o->index[0] = (unsigned)i;
		n += object_ip(o, json_node_at(list, i), path, "ip", &v[n]);
	}
	if (n == 0)
		n = object_ip(o, status, "status", single_key, &v[0]);
	*out = v;
	return n;
}

static size_t
count_ports(const struct json_node *containers)
{
	size_t n = 0;

	for (size_t i = 0; i < json_node_size(containers); i++)
		n += json_node_size(
		    json_node_get(json_node_at(containers, i), "ports"));
	return n;
}

static size_t
read_ports(struct object *o, const struct json_node *containers, bool init,
    struct kube_port *v)
{
	const char *path = init ? "spec.initContainers[]" : "spec.containers[]";
	const char *ports = init ? "spec.initContainers[].ports[]"
				 : "spec.containers[].ports[]";
	size_t n = 0;

	for (size_t i = 0; i < json_node_size(containers); i++) {
		const struct json_node *c = json_node_at(containers, i);
		const char *restart;
		const struct json_node *list;
		bool sidecar;

		o->index[0] = (unsigned)i;
		list = object_maps(o, c, path, "ports");
		restart = object_text(o, c, path, "restartPolicy");
		sidecar =
		    init && restart != NULL && strcmp(restart, "Always") == 0;
		for (size_t k = 0; k < json_node_size(list); k++) {
			const struct json_node *j = json_node_at(list, k);
			const char *name;

			o->index[1] = (unsigned)k;
			name = object_text(o, j, ports, "name");
			v[n++] = (struct kube_port){
				.name = name == NULL ? "" : name,
				.port =
				    object_port(o, j, ports, "containerPort"),
				.protocol = object_protocol(o, j, ports),
				.init = init && !sidecar,
				.sidecar = sidecar,
			};
		}
	}
	return n;
}

static void
read_spec(struct object *o, struct raw_pod *p)
{
	const struct json_node *spec = object_map(o, o->json, "", "spec");
	const struct json_node *main_list =
	    object_maps(o, spec, "spec", "containers");
	const struct json_node *init_list =
	    object_maps(o, spec, "spec", "initContainers");
	size_t n = count_ports(main_list) + count_ports(init_list);
	struct kube_port *v = object_alloc(o, n, sizeof(*v));
	const char *node = object_text(o, spec, "spec", "nodeName");

	p->pod.host_network =
	    object_bool(o, spec, "spec", "hostNetwork", false);
	if (node != NULL)
		p->node_name = node;
	if (v == NULL || o->status != RF_OK)
		return;
	p->pod.n_ports = read_ports(o, main_list, false, v);
	p->pod.n_ports += read_ports(o, init_list, true, v + p->pod.n_ports);
	p->pod.ports = v;
}

/* The latest end of the containers; *n_running of them have not ended. */
static int64_t
last_finish(struct object *o, const struct json_node *list, size_t *n_running)
{
	static const char path[] = "status.containerStatuses[].state";
	int64_t latest = TIME_NONE;

	*n_running = 0;
	for (size_t i = 0; i < json_node_size(list); i++) {
		const struct json_node *c = json_node_at(list, i), *t;
		int64_t us;

		o->index[0] = (unsigned)i;
		t = object_map(o, c, "status.containerStatuses[]", "state");
		t = object_map(o, t, path, "terminated");
		us = object_time(o, t, path, "finishedAt");
		*n_running += us == TIME_NONE;
		if (us > latest)
			latest = us;
	}
	return latest;
}

static void
read_ends(struct object *o, const struct json_node *status, struct raw_pod *p)
{
	const struct json_node *list =
	    object_maps(o, status, "status", "containerStatuses");
	const struct json_node *init =
	    object_maps(o, status, "status", "initContainerStatuses");
	size_t n_running, n_init;
	int64_t main_us = last_finish(o, list, &n_running);
	int64_t init_us = last_finish(o, init, &n_init);

	p->containers_done = json_node_size(list) > 0 && n_running == 0;
	if (main_us < init_us)
		main_us = init_us;
	if (main_us != TIME_NONE)
		p->finished_us = main_us;
}

/* When a pod's containers began, as far as their statuses tell. */
struct starts {
	int64_t first_us; /* of those that began once; TIME_NONE: none did */
	size_t n_waiting; /* have not begun yet */
	size_t n_untold;  /* began, but when the first time is not told */
	int64_t again_us; /* when the first of those did again */
};

/* A container that was restarted tells its last start only. */
static void
read_start(struct object *o, const struct json_node *c, struct starts *s)
{
	static const char path[] = "status.containerStatuses[]";
	static const char state_path[] = "status.containerStatuses[].state";
	const struct json_node *state = object_map(o, c, path, "state");
	const struct json_node *now =
	    object_map(o, state, state_path, "running");
	int64_t n = object_int(o, c, path, "restartCount", 0), us;

	if (now == NULL)
		now = object_map(o, state, state_path, "terminated");
	us = object_time(o, now, state_path, "startedAt");
	if (now == NULL && n == 0)
		s->n_waiting++;
	else if (us == TIME_NONE || us <= 0)
		s->n_untold++;
	else if (n != 0) {
		s->n_untold++;
		if (s->again_us == TIME_NONE || us < s->again_us)
			s->again_us = us;
	} else if (s->first_us == TIME_NONE || us < s->first_us)
		s->first_us = us;
}

static struct starts
read_starts(struct object *o, const struct json_node *status, const char *key)
{
	const struct json_node *list = object_maps(o, status, "status", key);
	struct starts s = { .first_us = TIME_NONE, .again_us = TIME_NONE };

	for (size_t i = 0; i < json_node_size(list); i++) {
		o->index[0] = (unsigned)i;
		read_start(o, json_node_at(list, i), &s);
	}
	return s;
}

/* Since when its sandbox has been ready, which is what an address is given
 * to; a pod whose sandbox was made anew has a new one. */
static int64_t
read_ready(struct object *o, const struct json_node *status)
{
	static const char path[] = "status.conditions[]";
	const struct json_node *list =
	    object_maps(o, status, "status", "conditions");

	for (size_t i = 0; i < json_node_size(list); i++) {
		const struct json_node *c = json_node_at(list, i);
		const char *type, *is;

		o->index[0] = (unsigned)i;
		type = object_text(o, c, path, "type");
		is = object_text(o, c, path, "status");
		if (type != NULL && is != NULL && strcmp(is, "True") == 0 &&
		    strcmp(type, "PodReadyToStartContainers") == 0)
			return object_time(o, c, path, "lastTransitionTime");
	}
	return TIME_NONE;
}

/* Nothing of a pod can speak before the first of its containers runs. */
static void
read_begin(struct object *o, const struct json_node *status, struct raw_pod *p)
{
	struct starts init = read_starts(o, status, "initContainerStatuses");
	struct starts main = read_starts(o, status, "containerStatuses");
	int64_t us = read_ready(o, status);

	if (us != TIME_NONE && (p->ready_us == TIME_NONE || us < p->ready_us))
		p->ready_us = us;
	us = init.n_untold > 0 ? TIME_NONE : init.first_us;
	if (us == TIME_NONE && init.n_untold == 0)
		us = main.first_us;
	if (us != TIME_NONE && (p->began_us == TIME_NONE || us < p->began_us))
		p->began_us = us;
	us = init.again_us != TIME_NONE ? init.again_us : main.again_us;
	if (us != TIME_NONE &&
	    (p->restarted_us == TIME_NONE || us < p->restarted_us))
		p->restarted_us = us;
	p->is_waiting = p->pod.phase == POD_PENDING &&
	    p->began_us == TIME_NONE && init.n_untold == 0 &&
	    main.n_untold == 0 && init.n_waiting + main.n_waiting > 0;
}

static enum pod_phase
read_phase(struct object *o, const struct json_node *status)
{
	static const char *const names[] = { [POD_PENDING] = "Pending",
		[POD_RUNNING] = "Running",
		[POD_SUCCEEDED] = "Succeeded",
		[POD_FAILED] = "Failed",
		[POD_UNKNOWN] = "Unknown" };
	const char *text = object_text(o, status, "status", "phase");

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text != NULL && strcmp(text, names[i]) == 0)
			return (enum pod_phase)i;
	return text == NULL ? POD_PENDING : POD_UNKNOWN;
}

/* What a later state no longer tells, the earlier one still does: a kubelet
 * that restarts may forget a finished pod's address. */
static void
read_status(struct object *o, struct raw_pod *p)
{
	const struct json_node *status = object_map(o, o->json, "", "status");
	const struct ip_addr *ips;
	int64_t us;
	size_t n;

	p->pod.phase = read_phase(o, status);
	if ((n = read_ips(o, status, "podIPs", "podIP", &ips)) > 0) {
		p->pod.ips = ips;
		p->pod.n_ips = n;
	}
	if ((n = read_ips(o, status, "hostIPs", "hostIP", &ips)) > 0) {
		p->pod.host_ips = ips;
		p->pod.n_host_ips = n;
	}
	us = object_time(o, status, "status", "startTime");
	if (us != TIME_NONE)
		p->started_us = us;
	read_begin(o, status, p);
	read_ends(o, status, p);
}

static void
read_pod(struct object *o, const struct json_node *metadata, struct raw_pod *p)
{
	int64_t us;

	if (o->since_us != 0)
		p->since_us = o->since_us;
	p->gone_us = o->gone_us;
	p->pod.namespace = o->namespace;
	p->pod.name = o->name;
	p->pod.labels = object_labels(o, metadata, "metadata", "labels");
	p->owner = object_owner(o, metadata);
	us = object_time(o, metadata, "metadata", "creationTimestamp");
	if (us != TIME_NONE)
		p->created_us = us;
	us = object_time(o, metadata, "metadata", "deletionTimestamp");
	if (us != TIME_NONE)
		p->deletion_us = us;
	read_spec(o, p);
	read_status(o, p);
}

/* Where events may have been left out, as between two Lists, it was as before
 * for sure only until the first of the two. */
static void
keep_history(struct object *o, const struct raw_pod *before, struct raw_pod *p)
{
	int64_t at_us = history_clock(o);

	if (o->in_list)
		at_us = o->sb->list_clock_us;
	if (before == NULL || !history_leave(o, before, p, at_us))
		return;
	/* Those were the old ones'. */
	p->ready_us = p->began_us = p->restarted_us = TIME_NONE;
	read_begin(o, object_map(o, o->json, "", "status"), p);
}

/* A uid alone does not make it the same: no pod changes its name. */
void
object_read_pod(struct object *o)
{
	const struct json_node *metadata =
	    object_map(o, o->json, "", "metadata");
	const char *uid = object_text(o, metadata, "metadata", "uid");
	const char *key =
	    assemble_key(o->sb, o->namespace, o->name, uid == NULL ? "" : uid);
	size_t n = o->sb->raw[RAW_POD].n;
	struct raw_pod *p =
	    key == NULL ? NULL : object_record(o, RAW_POD, key, sizeof(*p));
	struct raw_pod before;
	bool is_new;

	if (p == NULL) {
		object_no_memory(o);
		return;
	}
	is_new = o->sb->raw[RAW_POD].n > n;
	if (is_new)
		p->created_us = p->started_us = p->ready_us = p->began_us =
		    p->restarted_us = p->deletion_us = p->finished_us =
			TIME_NONE;
	before = *p;
	p->pod.uid = uid == NULL ? "" : uid;
	read_pod(o, metadata, p);
	if (o->status == RF_OK)
		keep_history(o, is_new ? NULL : &before, p);
}
