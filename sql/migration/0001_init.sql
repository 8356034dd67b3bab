-- SPDX-License-Identifier: Apache-2.0
PRAGMA application_id = 1380338775; -- "RFLW"
