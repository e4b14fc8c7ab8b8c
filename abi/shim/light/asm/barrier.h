/* Nothing of an ABI header comes from here; the architecture's own needs headers that a build generates. */
