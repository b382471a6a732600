#include "agent/runner/journal.h"

#include "tests/pch.h"
