import type { principalPageSchema } from '@tidewire/contract';
import { useId } from 'react';
import type { ReactElement } from 'react';
import type { z } from 'zod';
import { useAnswer } from './use-answer.ts';

type PrincipalPage = z.infer<typeof principalPageSchema>;

/** So many names are offered while somebody types; any other can be written all the same. */
export const OFFERED_PRINCIPALS = 200;

export function usePrincipals(): PrincipalPage['results'] | undefined {
  return useAnswer<PrincipalPage>(`/api/principals?_limit=${OFFERED_PRINCIPALS}`).answer?.results;
}

interface PrincipalFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly required?: boolean;
}

/** Somebody, by the id that rules and tokens name. */
export function PrincipalField(props: PrincipalFieldProps): ReactElement {
  const { label, value, onChange, placeholder, required = false } = props;
  const listId = useId();
  const principals = usePrincipals() ?? [];
  return (
    <label className="field">
      {label}
      <input
        list={listId}
        value={value}
        placeholder={placeholder}
        required={required}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={200}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={listId}>
        {principals.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </datalist>
    </label>
  );
}
