package yamledit

import "sync"

// A lazy value is worked out when it is first asked for.
type lazy[V any] struct {
	once  sync.Once
	value V
}

// get returns what find returned the first time.
func (l *lazy[V]) get(find func() V) V {
	l.once.Do(func() { l.value = find() })
	return l.value
}

// A cache keeps what was worked out for each key. The zero value is empty, and
// several goroutines may use it.
type cache[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]V
}

// get returns what find returned for the key the first time. Where two goroutines
// ask at once, both may call find, and the first answer counts.
func (c *cache[K, V]) get(key K, find func() V) V {
	if value, known := c.look(key); known {
		return value
	}
	value := find()
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, known := c.values[key]; known {
		return first
	}
	if c.values == nil {
		c.values = map[K]V{}
	}
	c.values[key] = value
	return value
}

func (c *cache[K, V]) look(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, known := c.values[key]
	return value, known
}
