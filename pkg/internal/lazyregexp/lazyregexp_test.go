package lazyregexp

import "testing"

func TestAnExpressionIsCompiledWhenItIsUsed(t *testing.T) {
	defer func(was bool) { inTest = was }(inTest)
	inTest = false
	wrong := New("(")
	defer func() {
		if recover() == nil {
			t.Error("the first use of a wrong expression does not panic")
		}
	}()
	wrong.MatchString("x")
}

func TestAWrongExpressionFailsEveryTestOfItsPackage(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New does not panic")
		}
	}()
	New("(")
}
