/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/reflector.h"

const char *
reflector_state_name(enum reflector_state state)
{
	static const char *const names[] = {
		[REFLECTOR_WAITING] = "waiting",
		[REFLECTOR_LISTING] = "listing",
		[REFLECTOR_WATCHING] = "watching",
		[REFLECTOR_FORBIDDEN] = "forbidden",
		[REFLECTOR_ABSENT] = "absent",
		[REFLECTOR_DONE] = "done",
	};

	return names[state];
}
