import type { ReactElement } from 'react';

/** A time of the API as people here read it; all of it in the title. */
export function Moment({
  time,
  precise = false,
}: {
  readonly time: string;
  readonly precise?: boolean;
}): ReactElement {
  return (
    <time dateTime={time} title={time}>
      {formatMoment(new Date(time), new Date(), precise)}
    </time>
  );
}

/** The time of a moment of today, and the date before it of any other. `precise`: with milliseconds. */
export function formatMoment(moment: Date, now: Date, precise = false): string {
  if (Number.isNaN(moment.getTime())) return 'at an unknown time';
  const clock = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(twoDigits).join(':');
  const time = precise ? `${clock}.${String(moment.getMilliseconds()).padStart(3, '0')}` : clock;
  return moment.toDateString() === now.toDateString() ? time : `${formatDay(moment)} ${time}`;
}

function formatDay(moment: Date): string {
  return `${moment.getFullYear()}-${twoDigits(moment.getMonth() + 1)}-${twoDigits(moment.getDate())}`;
}

function twoDigits(count: number): string {
  return String(count).padStart(2, '0');
}
