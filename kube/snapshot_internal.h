/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_internal: what the parts of the snapshot reader share.
 *
 * The text comes in item by item (snapshot_scan.c), each item is read into a
 * raw record (object*.c) that a later state replaces, and in the end the raw
 * records become the cluster (assemble*.c). Strings are interned, so that
 * what many objects repeat is kept once.
 */
#ifndef KUBE_SNAPSHOT_INTERNAL_H
#define KUBE_SNAPSHOT_INTERNAL_H

#include "kube/json_tree.h"
#include "kube/snapshot.h"
#include "kube/string_map.h"

#define TIME_NONE INT64_MIN /* in raw records: the field was not there */

enum raw_type {
	RAW_NAMESPACE,
	RAW_NODE,
	RAW_POD,
	RAW_SERVICE,
	RAW_SLICE, /* EndpointSlice, or Endpoints */
	RAW_CONTROLLER,
	RAW_POLICY
};
#define RAW_TYPE_COUNT 7

/* The controlling ownerReference. kind NULL: none. */
struct raw_owner {
	const char *api_version, *kind, *name;
};

/* First in every raw record. */
struct raw_head {
	const char *kind, *namespace, *name; /* interned */
	uint32_t list_seen; /* number of the last List that held it */
	bool deleted;
};

struct raw_namespace {
	struct raw_head head;
	struct label_set labels;
};

struct raw_node {
	struct raw_head head;
	struct kube_node node;
};

struct raw_pod {
	struct raw_head head;
	struct kube_pod pod; /* without ns, workload, node and interval */
	struct raw_owner owner;
	const char *node_name; /* or NULL */
	int64_t created_us, started_us, deletion_us;
	int64_t ready_us;          /* its sandbox got its addresses */
	int64_t began_us;          /* its first container did */
	int64_t finished_us;       /* the last end of any of its containers */
	int64_t restarted_us;      /* a container did, which began before */
	bool is_waiting;           /* no container has begun yet */
	bool containers_done;      /* all but the init containers have ended */
	int64_t since_us, gone_us; /* a watch saw it so; 0: not told */
	struct raw_pod *next_changed;
	bool is_changed; /* is on that list */
};

struct raw_service {
	struct raw_head head;
	struct kube_service service;
};

struct raw_endpoint {
	struct ip_addr ip;
	const char *pod_namespace, *pod_name; /* NULL: no targetRef */
	bool ready;
};

struct raw_slice_port {
	const char *name;
	uint16_t port;
	uint8_t protocol;
};

struct raw_slice {
	struct raw_head head;
	const char *service; /* of the same namespace; NULL: none */
	bool is_legacy;      /* an Endpoints object */
	const struct raw_endpoint *endpoints;
	size_t n_endpoints;
	const struct raw_slice_port *ports;
	size_t n_ports;
	const struct raw_slice *next; /* Endpoints: the next subset */
};

/* Whatever may stand in an owner chain. */
struct raw_controller {
	struct raw_head head;
	const char *api_version;
	struct raw_owner owner;
	bool is_builtin; /* not just a custom resource */
	bool has_selector;
	struct label_selector selector;
	struct label_set template_labels;
	int64_t replicas;
	bool suspended;
};

struct raw_policy {
	struct raw_head head;
	const char *json;
};

/* All raw records of one type, in the order of their first sight. */
struct raw_table {
	struct raw_head **v;
	size_t n, cap;
	struct string_map index;
};

/* What a List in progress has shown of one kind. */
struct list_scope {
	const char *kind, *namespace; /* the last namespace */
	bool is_wide; /* several namespaces, or cluster-scoped */
};

struct snapshot_builder {
	struct cluster *cluster;
	struct arena scratch;  /* raw records; gone after snapshot_finish */
	struct json_tree tree; /* of the item in hand */
	struct string_map strings;
	struct raw_table raw[RAW_TYPE_COUNT];
	struct list_scope *scopes;
	size_t n_scopes, cap_scopes;
	uint32_t list; /* number of the List in progress, or of the last */
	bool list_continues; /* it was a page: the next List goes on */
	/* The latest time that a pod told: it is that late, at least. */
	int64_t clock_us, list_clock_us; /* now; before the List */
	struct raw_pod *changed; /* since when is told by what comes next */
	struct snapshot_stats stats;
	struct string_map namespace_index; /* from here on: while assembling */
	struct string_map node_index;
	struct string_map pod_index; /* "namespace/name" to the newest pod */
};

/* One object while it is read. The first failure sticks in status. */
struct object {
	struct snapshot_builder *sb;
	const struct json_node *json;
	const char *file;
	uint32_t line;
	const char *kind, *api_version;
	const char *namespace, *name; /* interned; namespace "" if none */
	bool in_list, is_deleted_event;
	int64_t since_us, gone_us; /* bounds of a pod's interval, or 0 */
	unsigned index[2]; /* for the "[]" of field paths, outermost first */
	enum rf_status status;
	struct rf_error *err;
};

/* object.c: fields, in a wrong type of which the object fails. */
void object_fail(struct object *o, const char *path, const char *key,
    const char *fmt, ...) RF_PRINTF(4, 5);
void object_no_memory(struct object *o);
const struct json_node *object_map(struct object *o,
    const struct json_node *parent, const char *path, const char *key);
/* A list of maps alone, and of strings alone. */
const struct json_node *object_maps(struct object *o,
    const struct json_node *parent, const char *path, const char *key);
const struct json_node *object_texts(struct object *o,
    const struct json_node *parent, const char *path, const char *key);
/* Interned; NULL when absent, null or empty. */
const char *object_text(struct object *o, const struct json_node *parent,
    const char *path, const char *key);
bool object_bool(struct object *o, const struct json_node *parent,
    const char *path, const char *key, bool missing);
int64_t object_int(struct object *o, const struct json_node *parent,
    const char *path, const char *key, int64_t missing);
uint16_t object_port(struct object *o, const struct json_node *parent,
    const char *path, const char *key);
uint8_t object_protocol(
    struct object *o, const struct json_node *parent, const char *path);
int64_t object_time(struct object *o, const struct json_node *parent,
    const char *path, const char *key);
/* false: absent, or no address (then the object has failed). */
bool object_ip(struct object *o, const struct json_node *parent,
    const char *path, const char *key, struct ip_addr *ip);
struct label_set object_labels(struct object *o, const struct json_node *parent,
    const char *path, const char *key);
/* Is there one at all? A null is none. */
bool object_selector(struct object *o, const struct json_node *parent,
    const char *path, const char *key, struct label_selector *s);
struct raw_owner object_owner(
    struct object *o, const struct json_node *metadata);

/* In the cluster's arena, zeroed; the object fails when memory is out. */
void *object_alloc(struct object *o, size_t n, size_t size);

/* A string kept once; NULL: out of memory. */
const char *snapshot_intern(struct snapshot_builder *sb, const char *s);

/*
 * The raw record for key, of size bytes; made when there is none yet, with
 * its head filled. NULL: out of memory, and the object has failed.
 */
void *object_record(
    struct object *o, enum raw_type type, const char *key, size_t size);

/* A copy of a raw record, under a key of its own; NULL as above. */
void *object_copy(struct object *o, enum raw_type type, const void *record,
    const char *key, size_t size);

/* object_history.c: what a pod was before it changed. */

/* How late it is at least, by this object too. */
int64_t history_clock(struct object *o);
/*
 * p has become what it is now, and was before. If that makes it another - by
 * address, label or owner - what it was stays until at_us, as a pod that is
 * gone. true: it has other addresses.
 */
bool history_leave(struct object *o, const struct raw_pod *before,
    struct raw_pod *p, int64_t at_us);

/* One reader a kind. */
void object_read_namespace(struct object *o);
void object_read_node(struct object *o);
void object_read_pod(struct object *o);
void object_read_service(struct object *o);
void object_read_slice(struct object *o);
void object_read_endpoints(struct object *o);
void object_read_controller(struct object *o);
void object_read_policy(struct object *o);
/* A kind that we do not know: it may own pods. false: of no use. */
bool object_read_custom(struct object *o);

/* snapshot.c: take a parsed object; kind and api_version of its list, or
 * NULL, when it has none of its own. */
struct snapshot_item {
	const struct json_node *json;
	const char *file;
	uint32_t line;
	const char *kind, *api_version;
	bool in_list, is_deleted_event;
	/* A pod held its addresses not before and not after; 0: not told. */
	int64_t since_us, gone_us;
};
RF_MUST_USE enum rf_status snapshot_take_item(struct snapshot_builder *sb,
    const struct snapshot_item *item, struct rf_error *err);
/* The same for one that json_text_write() wrote; item has no json yet. */
RF_MUST_USE enum rf_status snapshot_take_text(struct snapshot_builder *sb,
    struct snapshot_item item, const char *text, size_t len,
    struct rf_error *err);
void snapshot_list_begin(struct snapshot_builder *sb);
/* kind: of the list; is_page: more of it follows in another List. */
void snapshot_list_end(
    struct snapshot_builder *sb, const char *kind, bool is_page);

/* snapshot_head.c: what a text that begins so is, if it is no snapshot but
 * something else that people have (else NULL); and how long its UTF-8 byte
 * order mark is, 0: none. */
const char *snapshot_head_explain(const char *text, size_t n);
size_t snapshot_head_mark(const char *text, size_t n);

/*
 * assemble*.c: raw records to the cluster's arrays, in this order. Each
 * sorts its raw table as the array is.
 */
RF_MUST_USE enum rf_status assemble_namespaces(
    struct snapshot_builder *sb, struct rf_error *err);
RF_MUST_USE enum rf_status assemble_nodes(
    struct snapshot_builder *sb, struct rf_error *err);
RF_MUST_USE enum rf_status assemble_policies(
    struct snapshot_builder *sb, struct rf_error *err);
RF_MUST_USE enum rf_status assemble_pods(
    struct snapshot_builder *sb, struct rf_error *err);
RF_MUST_USE enum rf_status assemble_workloads(
    struct snapshot_builder *sb, struct rf_error *err);
RF_MUST_USE enum rf_status assemble_services(
    struct snapshot_builder *sb, struct rf_error *err);
/* The pods behind backends, once the cluster is finished. */
void assemble_backend_pods(struct cluster *c);

/* Order by namespace, then name; for qsort over raw tables. */
int assemble_compare(const void *a, const void *b);
/* "namespace/name", or with kind "kind/namespace/name", in the scratch
 * arena; NULL: out of memory. */
const char *assemble_key(struct snapshot_builder *sb, const char *kind,
    const char *namespace, const char *name);

#endif
